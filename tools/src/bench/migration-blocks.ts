// Measures for how long each migration holds its locks, for the table in docs/operate.md: one server, one database,
// filled as an earlier version would have, and every migration in turn.
//   node tools/dist/bench/migration-blocks.js [--people 300000]
// Prints the processor time of the backend (on Linux), which changes little when other programs use the machine, and
// the elapsed time. Indexes are built without parallel workers, so that the processor time is all of it.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { createDatabase, startPostgres } from '../stack/postgres.ts';
import { readStat } from './cpu.ts';
import { machine } from './machine.ts';

const MIGRATIONS = join(import.meta.dirname, '..', '..', '..', 'prisma', 'migrations');
const FIRST = '20261121090000_main_job';
const SCIM = '20261122110000_scim';

/** `$1` people, each with a Box user, a finished request with its timeline, and two recorded calls. */
const PEOPLE = `
WITH t AS (INSERT INTO tenant (slug) VALUES ('measured') RETURNING id),
p AS (
  INSERT INTO identity (tenant_id, issuer, subject, username, email, name)
  SELECT t.id, 'https://example.okta.com', '00u' || n, 'Person' || n || '@Example.com', 'person' || n || '@example.com',
    'Person ' || n FROM t, generate_series(1, $1::int) n RETURNING id, tenant_id, subject, name
), a AS (
  INSERT INTO box_account (identity_id, tenant_id, box_user_id, name, status, applied_generation)
  SELECT id, tenant_id, substr(subject, 4), name, 'active', 1 FROM p
), c AS (
  INSERT INTO api_call (tenant_id, direction, system, operation, method, path, identity_id)
  SELECT tenant_id, 'out', 'box', op, 'POST', '/2.0/users', id FROM p, unnest(ARRAY['create_user', 'update_user']) op
  RETURNING id, tenant_id, at
), o AS (
  INSERT INTO api_call_outcome (call_id, tenant_id, call_at, result, status, duration_ms)
  SELECT id, tenant_id, at, 'ok', 201, 12 FROM c
), r AS (
  INSERT INTO provisioning_request
    (tenant_id, identity_id, generation, cause, status, outcome, effect, priority, started_at, finished_at)
  SELECT tenant_id, id, 1, 'sign-in', 'succeeded', 'created', 'created', 10, clock_timestamp(), clock_timestamp()
  FROM p RETURNING id
) INSERT INTO request_event (request_id, event) SELECT id, 'queued' FROM r`;

/** A sixth of that number of groups, with four members each, and all people pushed by a directory. */
const GROUPS = [
  `UPDATE identity SET scim = jsonb_build_object('userName', username)`,
  `WITH g AS (
     INSERT INTO scim_group (tenant_id, display_name)
     SELECT t.id, 'Group ' || n FROM tenant t, generate_series(1, $1::int / 6) n RETURNING id, tenant_id, display_name
   ) INSERT INTO scim_group_member (group_id, tenant_id, value, identity_id, type)
     SELECT g.id, g.tenant_id, i.id::text, i.id, 'User' FROM g CROSS JOIN generate_series(0, 3) k
     JOIN identity i ON i.tenant_id = g.tenant_id
       AND i.subject = '00u' || (substr(g.display_name, 7)::int * 6 - k)`,
];

interface Taken {
  readonly elapsedMs: number;
  /** Null without /proc. */
  readonly cpuMs: number | null;
}

/** Runs a text of one or several statements. */
async function timed(client: pg.Client, pid: number, sql: string): Promise<Taken> {
  const [began, before] = [performance.now(), await cpuOf(pid)];
  await client.query(sql);
  const after = await cpuOf(pid);
  return {
    elapsedMs: performance.now() - began,
    cpuMs: before === null || after === null ? null : after - before,
  };
}

async function cpuOf(pid: number): Promise<number | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return readStat(stat)[0]?.own ?? null;
}

async function measure(url: string, people: number): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    await client.query('SET max_parallel_maintenance_workers = 0');
    const names = (await readdir(MIGRATIONS)).filter((name) => /^\d{14}_/.test(name)).sort();
    for (const name of names) {
      const sql = await readFile(join(MIGRATIONS, name, 'migration.sql'), 'utf8');
      const { elapsedMs, cpuMs } = await timed(client, rows[0]!.pid, sql);
      const cpu = cpuMs === null ? 'unknown' : `${(cpuMs / 1000).toFixed(1)} s`;
      print(
        `${name.padEnd(38)} processor time ${cpu.padStart(7)}, elapsed ${(elapsedMs / 1000).toFixed(1)} s`,
      );
      if (name === FIRST) await client.query(PEOPLE, [people]);
      if (name === SCIM)
        for (const statement of GROUPS)
          await client.query(statement, statement.includes('$1') ? [people] : []);
      if (name === FIRST || name === SCIM) await client.query('VACUUM ANALYZE');
    }
  } finally {
    await client.end();
  }
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);

const { values } = parseArgs({ options: { people: { type: 'string', default: '300000' } } });
const people = Number(values.people);
const { cpus, postgres } = await machine();
print(
  `${people} people, ${Math.floor(people / 6)} groups, ${people * 2} calls; ${cpus}, PostgreSQL ${postgres}`,
);
const server = await startPostgres();
try {
  await measure(await createDatabase(server.url, 'measured'), people);
} finally {
  await server.stop();
}
