import { randomUUID } from 'node:crypto';
import { createTestDatabase, type TestDatabase } from '../database/database.harness.ts';
import { asOwner, prune, sealAll, verify, writeCalls, writeMonth } from './audit.harness.ts';

let test: TestDatabase;
const role = `app_${randomUUID().replaceAll('-', '')}`;
beforeAll(async () => {
  test = await createTestDatabase();
  // The role of the apps, as docs/operate.md creates it.
  await test.database.pool.query(`CREATE ROLE ${role}`);
  await test.database.pool.query(`GRANT USAGE ON SCHEMA public TO ${role}`);
  await test.database.pool.query(
    `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ${role}`,
  );
  await test.database.pool.query(
    `REVOKE UPDATE, DELETE ON api_call, api_call_outcome, audit_block FROM ${role}`,
  );
  await test.database.pool.query(`GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO ${role}`);
});
afterAll(async () => {
  await test.database.pool.query(`DROP OWNED BY ${role}`);
  await test.database.pool.query(`DROP ROLE ${role}`);
  await test.drop();
});

/** Two blocks of 2026-01 with three calls each, one of 2026-02, and one of today. */
async function chain() {
  const tenantId = await test.tenant();
  for (const month of ['2026-01', '2026-01', '2026-02']) await writeMonth(test, tenantId, month, 3);
  await writeCalls(test.database, tenantId, 1);
  await sealAll(test.database, tenantId);
  const { head } = await verify(test.database, tenantId);
  const { rows } = await test.database.pool.query<{ id: string }>(
    'SELECT id FROM api_call WHERE tenant_id = $1 ORDER BY id',
    [tenantId],
  );
  return { tenantId, head, ids: rows.map(({ id }) => id) };
}

const whats = async (tenantId: string, head: Parameters<typeof verify>[2] = null) =>
  (await verify(test.database, tenantId, head)).first.map(({ what }) => what);

/** Marks a block as pruned, as the owner can. */
const mark = (tenantId: string, seq: number, entries: 'kept' | 'dropped') =>
  asOwner(
    test,
    `UPDATE audit_block SET pruned_at = now()${entries === 'dropped' ? ', entries = NULL' : ''} WHERE tenant_id = $1 AND seq = $2`,
    [tenantId, seq],
  );
const drop = async (ids: readonly string[]) => {
  await asOwner(test, 'DELETE FROM api_call_outcome WHERE call_id = ANY($1)', [ids]);
  await asOwner(test, 'DELETE FROM api_call WHERE id = ANY($1)', [ids]);
};

interface Act {
  blocks: string;
  rows: number;
  head: { seq: number; hash: string };
  kept?: { calls: string; outcomes: string };
  before?: string;
}
const write = async (tenantId: string, act: Act) => {
  const { rows } = await asOwner(
    test,
    `INSERT INTO api_call (tenant_id, direction, system, operation, method, path, actor, parameters)
     VALUES ($1, 'in', 'foyer', 'prune_audit_log', 'RUN', 'audit prune', 'operator:mallory', $2) RETURNING id`,
    [tenantId, { before: '2026-02', kept: { calls: '{}', outcomes: '{}' }, ...act }],
  );
  return (rows as [{ id: string }])[0].id;
};
const hashOf = async (tenantId: string, seq: number) => {
  const { rows } = await test.database.pool.query<{ hash: string }>(
    `SELECT encode(hash, 'hex') AS hash FROM audit_block WHERE tenant_id = $1 AND seq = $2`,
    [tenantId, seq],
  );
  return { seq, hash: rows[0]!.hash };
};

describe('the owner of the tables, without a sealed pruning', () => {
  it('cannot mark a block as pruned and delete its rows undetected', async () => {
    const { tenantId, head, ids } = await chain();
    await mark(tenantId, 1, 'dropped');
    await drop(ids.slice(0, 3));
    expect(await whats(tenantId)).toEqual(['rows-removed']);
    expect(await whats(tenantId, head)).toEqual(['rows-removed']);
  });

  it('cannot mark a block as pruned and delete one of its rows undetected', async () => {
    const { tenantId, ids } = await chain();
    await mark(tenantId, 2, 'kept');
    await asOwner(test, 'DELETE FROM api_call_outcome WHERE call_id = $1', [ids[4]]);
    const { first } = await verify(test.database, tenantId);
    expect(first).toMatchObject([{ what: 'row-removed', block: 2, row: { kind: 'outcome', id: ids[4] } }]);
  });

  it('cannot delete by an act that is not sealed', async () => {
    const { tenantId, ids } = await chain();
    await write(tenantId, { blocks: '{[1,2)}', rows: 6, head: await hashOf(tenantId, 1) });
    await mark(tenantId, 1, 'dropped');
    await drop(ids.slice(0, 3));
    expect(await whats(tenantId)).toEqual(['pruning-differs']);
  });

  it.each<[string, (tenantId: string) => Promise<Act>, (ids: string[]) => string[], string]>([
    [
      'less than it says',
      async (id) => ({ blocks: '{[1,3)}', rows: 12, head: await hashOf(id, 2) }),
      (ids) => ids.slice(0, 4),
      'pruned-in-part',
    ],
    [
      'another number of rows',
      async (id) => ({ blocks: '{[1,2)}', rows: 5, head: await hashOf(id, 1) }),
      (ids) => ids.slice(0, 3),
      'pruning-differs',
    ],
    [
      'another chain',
      async () => ({ blocks: '{[1,2)}', rows: 6, head: { seq: 1, hash: 'a'.repeat(64) } }),
      (ids) => ids.slice(0, 3),
      'pruning-differs',
    ],
    [
      'rows that are too young',
      async (id) => ({ blocks: '{[4,5)}', rows: 2, head: await hashOf(id, 4), before: '2026-12' }),
      (ids) => ids.slice(9, 10),
      'pruning-differs',
    ],
    [
      'a row that it keeps',
      async (id) => {
        const { rows } = await test.database.pool.query<{ first: string }>(
          'SELECT min(id) AS first FROM api_call WHERE tenant_id = $1',
          [id],
        );
        const first = BigInt(rows[0]!.first);
        const kept = { calls: `{[${first},${first + 1n})}`, outcomes: '{}' };
        return { blocks: '{[1,2)}', rows: 5, head: await hashOf(id, 1), kept };
      },
      (ids) => ids.slice(0, 3),
      'pruned-in-part',
    ],
  ])('is detected when a sealed act is used for %s', async (_name, act, gone, what) => {
    const { tenantId, ids } = await chain();
    await write(tenantId, await act(tenantId));
    await sealAll(test.database, tenantId);
    await drop(gone(ids));
    expect(await whats(tenantId)).toContain(what);
  });

  it('can record a pruning, which names the owner: the chain proves this much', async () => {
    const { tenantId, head, ids } = await chain();
    const id = await write(tenantId, { blocks: '{[1,2)}', rows: 6, head: await hashOf(tenantId, 1) });
    await sealAll(test.database, tenantId);
    await drop(ids.slice(0, 3));
    const { findings, prunings } = await verify(test.database, tenantId, head);
    expect(findings).toBe(0);
    expect(prunings).toMatchObject([{ id, actor: 'operator:mallory', rows: 6 }]);
    await asOwner(test, `UPDATE api_call SET actor = 'operator:ada' WHERE id = $1`, [id]);
    expect(await whats(tenantId)).toEqual(['rows-removed', 'row-changed', 'pruning-differs'].slice(1));
  });

  it('cannot use a real pruning for rows that it kept, and cannot remove its record', async () => {
    const { tenantId } = await chain();
    const [act] = await prune(test, tenantId, '2026-02');
    await sealAll(test.database, tenantId);
    expect(await whats(tenantId)).toEqual([]);
    await drop([act!.callId]);
    const found = await whats(tenantId);
    expect(found).toContain('row-removed');
    expect(found).toContain('rows-removed');
  });
});

describe('the role of the apps', () => {
  const asApp = async (sql: string, values: unknown[] = []) => {
    const client = await test.database.connect();
    try {
      await client.query(`SET ROLE ${role}`);
      return await client.query<Record<string, unknown>>(sql, values);
    } finally {
      await client.end();
    }
  };
  const call = `INSERT INTO api_call (tenant_id, at, tx, direction, system, operation, method, path) VALUES
    ($1, clock_timestamp() - interval '2 days', '3', 'in', 'foyer', $2, 'GET', '/')
    RETURNING id, at > clock_timestamp() - interval '1 hour' AS "isNow", tx = pg_current_xact_id() AS "isOwn"`;

  it('cannot set when a row was written, nor by which transaction', async () => {
    const tenantId = await test.tenant();
    const { rows } = await asApp(call, [tenantId, 'x']);
    expect(rows).toMatchObject([{ isNow: true, isOwn: true }]);
    const other = await test.tenant();
    const outcome = await asApp(
      `INSERT INTO api_call_outcome (call_id, tenant_id, call_at, at, tx, result, duration_ms)
       VALUES ($1, $2, '2020-01-01', '2020-01-01', '3', 'ok', 1)
       RETURNING at > clock_timestamp() - interval '1 hour' AS "isNow", tx = pg_current_xact_id() AS "isOwn",
         tenant_id = $3 AS "isCalls", call_at = (SELECT at FROM api_call WHERE id = $1) AS "isCallsTime"`,
      [rows[0]!.id, other, tenantId],
    );
    expect(outcome.rows).toEqual([{ isNow: true, isOwn: true, isCalls: true, isCallsTime: true }]);
    await sealAll(test.database, tenantId);
    expect(await verify(test.database, tenantId)).toMatchObject({ findings: 0, rows: 2 });
  });

  it('cannot record a pruning', async () => {
    const { tenantId } = await chain();
    await expect(asApp(call, [tenantId, 'prune_audit_log'])).rejects.toThrow(/for a role that may prune/);
  });

  it('cannot insert a block except at the end of the chain', async () => {
    const { tenantId } = await chain();
    const block = `INSERT INTO audit_block (tenant_id, seq, month, count, call_ids, outcome_ids, entries, entries_digest, previous, hash, sealed_at)
      VALUES ($1, $2, '2026-11', 1, '{[-9,-8)}', '{}', '', sha256(''), decode($3, 'hex'), sha256(''), now())`;
    const { hash } = await hashOf(tenantId, 4);
    for (const [seq, previous] of [
      [4, hash],
      [6, hash],
      [5, 'a'.repeat(64)],
    ])
      await expect(asApp(block, [tenantId, seq, previous])).rejects.toThrow(/append-only/);
  });

  it.each([
    ['an act that is not there', '1'],
    ['none', 'NULL'],
  ])('cannot mark a block as pruned by %s, and neither can its owner', async (_name, act) => {
    const { tenantId } = await chain();
    const sql = `UPDATE audit_block SET pruned_at = now(), pruned_by = ${act}, entries = NULL WHERE tenant_id = $1 AND seq = 1`;
    await expect(asApp(sql, [tenantId])).rejects.toThrow(/permission denied/);
    await expect(test.database.pool.query(sql, [tenantId])).rejects.toThrow(/append-only/);
  });
});
