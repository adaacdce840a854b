import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { migrationsDirectory } from './files.ts';
import { migrate } from './migrate.ts';

const FORMER_TEXTS = join(import.meta.dirname, 'history');

/** A migration as the main branch had it once: its name, or `NAME.CHECKSUM` for a text that was changed later. */
export type Landing = string;

const BEFORE_SCIM = [
  '20261121090000_main_job',
  '20261121130100_box_budget',
  '20261121130200_lanes',
  '20261121130300_batches',
  '20261121130400_audit_seal',
  '20261121130500_box_app',
  '20261121130600_verify',
  '20261121130700_settled_updates',
];
const TOKENS = '20261122100000_scim_tokens';
const SCIM = '20261122110000_scim';
const BEGUN = '20261122120000_group_begun';

/** What the main branch held over time: each entry is a database that a user may have. */
export const history: readonly (readonly Landing[])[] = [
  BEFORE_SCIM.slice(0, 1),
  BEFORE_SCIM,
  [...BEFORE_SCIM, `${SCIM}.b1a1a82c`],
  [...BEFORE_SCIM, `${SCIM}.b0e89ff0`],
  [...BEFORE_SCIM, `${SCIM}.b0e89ff0`, TOKENS],
  [...BEFORE_SCIM, TOKENS, `${SCIM}.ea2b1ccd`],
  [...BEFORE_SCIM, TOKENS, `${SCIM}.ea2b1ccd`, BEGUN],
  [...BEFORE_SCIM, TOKENS, SCIM, BEGUN],
];

/** The texts that were changed after they had landed, by `NAME.CHECKSUM`. */
export async function formerTexts(): Promise<Map<Landing, string>> {
  const names = await readdir(FORMER_TEXTS);
  return new Map(
    await Promise.all(
      names.map(
        async (name) =>
          [name.replace(/\.sql$/, ''), await readFile(join(FORMER_TEXTS, name), 'utf8')] as const,
      ),
    ),
  );
}

async function textOf(landing: Landing): Promise<string> {
  const former = (await formerTexts()).get(landing);
  return former ?? readFile(join(migrationsDirectory(), landing, 'migration.sql'), 'utf8');
}

/**
 * Brings an empty database to the state after these landings, one after the other, with people, groups and open
 * requests inserted by SQL as soon as their tables exist.
 */
export async function buildEarlier(databaseUrl: string, landings: readonly Landing[]): Promise<void> {
  const contents: Record<string, string> = {
    [BEFORE_SCIM[0]!]: `${PEOPLE}; ${SESSION}`,
    '20261121130300_batches': BATCH,
    [SCIM]: GROUPS,
  };
  const directory = await mkdtemp(join(tmpdir(), 'foyer-history-'));
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    for (const landing of landings) {
      const name = landing.replace(/\.\w+$/, '');
      await mkdir(join(directory, name));
      await writeFile(join(directory, name, 'migration.sql'), await textOf(landing));
      const content = contents[name];
      if (content === undefined && landing !== landings.at(-1)) continue;
      await migrate({ databaseUrl, directory });
      if (content !== undefined) await client.query(content);
    }
  } finally {
    await client.end();
    await rm(directory, { recursive: true });
  }
}

/** 60 people: 50 have Box users, the others have waited for them for an hour, some with an attempt that began. */
const PEOPLE = `
WITH t AS (INSERT INTO tenant (slug) VALUES ('acme') RETURNING id),
p AS (
  INSERT INTO identity (tenant_id, issuer, subject, username, email, name, active)
  SELECT t.id, 'https://example.okta.com', '00u' || n, 'Person' || n || '@Example.com', 'person' || n || '@example.com',
    'Person ' || n, n <> 7 FROM t, generate_series(1, 60) n RETURNING id, tenant_id, subject, name, active
), a AS (
  INSERT INTO box_account (identity_id, tenant_id, box_user_id, name, status, applied_generation)
  SELECT id, tenant_id, substr(subject, 4), name, CASE WHEN active THEN 'active' ELSE 'inactive' END, 1
  FROM p WHERE substr(subject, 4)::int <= 50
), c AS (
  INSERT INTO api_call (tenant_id, direction, system, operation, method, path, identity_id)
  SELECT tenant_id, 'out', 'box', op, 'POST', '/2.0/users', id FROM p, unnest(ARRAY['create_user', 'update_user']) op
  RETURNING id, tenant_id, at
), o AS (
  INSERT INTO api_call_outcome (call_id, tenant_id, call_at, result, status, duration_ms)
  SELECT id, tenant_id, at, 'ok', 201, 12 FROM c WHERE id % 10 <> 0
), r AS (
  INSERT INTO provisioning_request (tenant_id, identity_id, generation, cause, status, priority, due_at, started_at)
  SELECT tenant_id, id, 1, 'sign-in', CASE WHEN substr(subject, 4)::int % 2 = 0 THEN 'running' ELSE 'queued' END, 10,
    clock_timestamp() - interval '1 hour', CASE WHEN substr(subject, 4)::int % 2 = 0 THEN clock_timestamp() END
  FROM p WHERE substr(subject, 4)::int > 50 RETURNING id
) INSERT INTO request_event (request_id, event) SELECT id, 'queued' FROM r`;

/** A person's session, and a file of people that was read to its end. */
const SESSION = `INSERT INTO session (sid, sess, expire)
  SELECT 'sid', json_build_object('identityId', id), clock_timestamp() + interval '1 day' FROM identity WHERE subject = '00u1'`;
const BATCH = `
WITH b AS (
  INSERT INTO provisioning_batch (tenant_id, actor, format, lines, last_line, received_at)
  SELECT id, 'machine', 'jsonl', 3, 3, clock_timestamp() FROM tenant WHERE slug = 'acme' RETURNING id
) INSERT INTO provisioning_batch_line (batch_id, line, subject, request_id, code)
  SELECT b.id, row_number() OVER (ORDER BY r.id), i.subject, r.id, NULL
  FROM b, provisioning_request r JOIN identity i ON i.id = r.identity_id WHERE i.subject IN ('00u51', '00u52', '00u53')`;

/** One group of 40 with members without a Box user and one unknown member, and one person managed by SCIM. */
const GROUPS = `
WITH t AS (SELECT id FROM tenant WHERE slug = 'acme'),
managed AS (
  UPDATE identity SET scim = jsonb_build_object('userName', username) WHERE subject IN ('00u1', '00u51') RETURNING id
), g AS (
  INSERT INTO scim_group (tenant_id, display_name, generation) SELECT id, 'Engineering', 3 FROM t RETURNING id, tenant_id
), m AS (
  INSERT INTO scim_group_member (group_id, tenant_id, value, identity_id, type, box_membership_id, box_user_id)
  SELECT g.id, g.tenant_id, i.id::text, i.id, 'User', a.box_user_id, a.box_user_id
  FROM g, identity i LEFT JOIN box_account a ON a.identity_id = i.id WHERE substr(i.subject, 4)::int > 20
), parked AS (
  INSERT INTO scim_group_member (group_id, tenant_id, value) SELECT id, tenant_id, '00uLATER' FROM g
) INSERT INTO provisioning_request (tenant_id, group_id, generation, cause, priority, due_at)
  SELECT tenant_id, id, 3, 'scim', 15, clock_timestamp() - interval '1 hour' FROM g`;
