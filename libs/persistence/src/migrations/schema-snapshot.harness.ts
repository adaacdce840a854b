import type pg from 'pg';

/** A line for each thing in the schema `public`, from the catalogs: two databases with the same lines behave alike. */
export async function schemaSnapshot(client: pg.Client): Promise<string[]> {
  const lines: string[] = [];
  for (const sql of QUERIES) {
    const { rows } = await client.query<{ line: string }>(sql);
    lines.push(...rows.map(({ line }) => line));
  }
  return lines.sort();
}

/** The order of a table's columns is left out, because no statement of ours depends on it. */
const QUERIES = [
  `SELECT format('table %s persistence=%s options=%s rls=%s', relname, relpersistence, reloptions, relrowsecurity) AS line
   FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S')
     AND relname <> '_prisma_migrations'`,
  `SELECT format('column %s.%s %s null=%s default=%s identity=%s generated=%s storage=%s', c.relname, a.attname,
     format_type(a.atttypid, a.atttypmod), NOT a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attidentity,
     a.attgenerated, a.attstorage) AS line
   FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
   LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
   WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm') AND a.attnum > 0
     AND NOT a.attisdropped`,
  `SELECT format('constraint %s.%s %s validated=%s', conrelid::regclass, conname, pg_get_constraintdef(oid), convalidated) AS line
   FROM pg_constraint WHERE connamespace = 'public'::regnamespace`,
  `SELECT format('index %s valid=%s', pg_get_indexdef(i.indexrelid), i.indisvalid) AS line
   FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relnamespace = 'public'::regnamespace`,
  `SELECT format('function %s', pg_get_functiondef(oid)) AS line
   FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prokind IN ('f', 'p')`,
  `SELECT format('trigger %s enabled=%s', pg_get_triggerdef(t.oid), t.tgenabled) AS line
   FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
   WHERE c.relnamespace = 'public'::regnamespace AND NOT t.tgisinternal`,
  `SELECT format('policy %s on %s %s %s %s', polname, polrelid::regclass, polcmd, pg_get_expr(polqual, polrelid),
     pg_get_expr(polwithcheck, polrelid)) AS line
   FROM pg_policy`,
  `SELECT format('view %s %s', relname, pg_get_viewdef(oid)) AS line
   FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm')`,
];
