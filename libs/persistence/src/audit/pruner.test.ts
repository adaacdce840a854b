import { createTestDatabase, somebody, type TestDatabase } from '../database.harness.ts';
import { asOwner, sealAll, sealedAt, verify, writeCalls, writeMonth } from './audit.harness.ts';
import { AuditPruner, firstMonthKept } from './pruner.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const never = new AbortController().signal;

async function prune(tenantId: string, month: string, stopping = never) {
  const blocks = [];
  for await (const block of new AuditPruner(test.database, tenantId).prune(month, stopping))
    blocks.push(block);
  return blocks;
}

const rowsOf = async (tenantId: string): Promise<number> => {
  const { rows } = await test.database.pool.query<{ n: number }>(
    `SELECT (SELECT count(*) FROM api_call WHERE tenant_id = $1)::int + (SELECT count(*) FROM api_call_outcome WHERE tenant_id = $1)::int AS n`,
    [tenantId],
  );
  return rows[0]!.n;
};

/** An identity with one create on record, all of it in 2026-01. */
async function personWithCreate(tenantId: string, account: boolean): Promise<string> {
  const { pool } = test.database;
  const person = somebody();
  const { rows } = await pool.query<{ id: string }>(
    `INSERT INTO identity (tenant_id, issuer, subject, username, name) VALUES ($1, $2, $3, $4, $5) RETURNING id`,
    [tenantId, person.issuer, person.subject, person.username, person.name],
  );
  const { id } = rows[0]!;
  if (account)
    await pool.query(
      `INSERT INTO box_account (identity_id, tenant_id, box_user_id, name, status, applied_generation)
       VALUES ($1, $2, (random() * 1e15)::bigint::text, 'Ada', 'active', 1)`,
      [id, tenantId],
    );
  await pool.query(
    `WITH c AS (INSERT INTO api_call (tenant_id, at, direction, system, operation, method, path, identity_id)
       VALUES ($1, '2026-01-10', 'out', 'box', 'create_user', 'POST', '/2.0/users', $2) RETURNING *)
     INSERT INTO api_call_outcome (call_id, tenant_id, call_at, at, result, duration_ms)
       SELECT id, tenant_id, at, at, 'ambiguous', 1 FROM c`,
    [tenantId, id],
  );
  return id;
}

describe('pruning', () => {
  it('counts whole months back from the first of the current one, in UTC', () => {
    expect(firstMonthKept(new Date('2026-03-31T23:59:59Z'), 1)).toBe('2026-02');
    expect(firstMonthKept(new Date('2026-03-01T00:00:00Z'), 3)).toBe('2025-12');
    expect(firstMonthKept(new Date('2026-01-31T00:00:00+14:00'), 12)).toBe('2025-01');
  });

  it('removes the rows of old months, and the chain is as good as before', async () => {
    const tenantId = await test.tenant();
    await writeMonth(test, tenantId, '2026-01', 3);
    await writeMonth(test, tenantId, '2026-02', 2);
    await writeCalls(test.database, tenantId, 1);
    await sealAll(test.database, tenantId);
    const { head } = await verify(test.database, tenantId);
    expect(await new AuditPruner(test.database, tenantId).months('2026-02')).toEqual([
      { month: '2026-01', blocks: 1, rows: 6, tooFresh: 0 },
    ]);
    expect(await rowsOf(tenantId)).toBe(12);
    const kept = { 'open-request': 0, 'unsettled-create': 0, outcome: 0 };
    expect(await prune(tenantId, '2026-02')).toEqual([{ seq: 1, month: '2026-01', removed: 6, kept }]);
    expect(await rowsOf(tenantId)).toBe(6);
    const after = await verify(test.database, tenantId, head);
    expect(after).toMatchObject({ findings: 0, blocks: 3, rows: 6, prunedMonths: ['2026-01'], waiting: 0 });
    expect(await prune(tenantId, '2026-02')).toEqual([]);
    expect(await sealAll(test.database, tenantId)).toBe(0);
  });

  it('stops between two blocks and goes on when it is called again', async () => {
    const tenantId = await test.tenant();
    for (const month of ['2026-01', '2026-02', '2026-03']) await writeMonth(test, tenantId, month, 1);
    const stopping = new AbortController();
    for await (const block of new AuditPruner(test.database, tenantId).prune('2026-04', stopping.signal)) {
      expect(block.month).toBe('2026-03');
      stopping.abort();
    }
    expect(await verify(test.database, tenantId)).toMatchObject({ findings: 0, prunedMonths: ['2026-03'] });
    expect(await prune(tenantId, '2026-04')).toHaveLength(2);
    expect(await rowsOf(tenantId)).toBe(0);
  });

  it('lets go of a call only after its outcome, when they are in two blocks', async () => {
    const tenantId = await test.tenant();
    const { rows } = await test.database.pool.query<{ id: string }>(
      `INSERT INTO api_call (tenant_id, at, direction, system, operation, method, path)
       VALUES ($1, '2026-01-31T23:59:59.9Z', 'out', 'box', 'find_user', 'GET', '/') RETURNING id`,
      [tenantId],
    );
    await sealAll(test.database, tenantId);
    await sealedAt(test, tenantId, '2026-01');
    await test.database.pool.query(
      `INSERT INTO api_call_outcome (call_id, tenant_id, call_at, at, result, duration_ms)
       SELECT id, tenant_id, at, '2026-02-01T00:00:00.1Z', 'ok', 200 FROM api_call WHERE id = $1`,
      [rows[0]!.id],
    );
    expect(await prune(tenantId, '2026-02')).toMatchObject([{ removed: 0, kept: { outcome: 1 } }]);
    expect(await verify(test.database, tenantId)).toMatchObject({ findings: 0, rows: 1, waiting: 1 });
    await sealAll(test.database, tenantId);
    await sealedAt(test, tenantId, '2026-01');
    expect(await prune(tenantId, '2026-02')).toMatchObject([
      { seq: 2, removed: 1 },
      { seq: 1, removed: 1 },
    ]);
    expect(await verify(test.database, tenantId)).toMatchObject({ findings: 0, rows: 0 });
  });

  it('keeps what the next worker of a person asks for, and removes it once it is settled', async () => {
    const tenantId = await test.tenant();
    const mapped = await personWithCreate(tenantId, true);
    const unmapped = await personWithCreate(tenantId, false);
    const waiting = await personWithCreate(tenantId, true);
    await test.database.pool.query(
      `INSERT INTO provisioning_request (tenant_id, identity_id, generation, cause, priority, due_at) VALUES ($1, $2, 1, 'api', 1, now())`,
      [tenantId, waiting],
    );
    await sealAll(test.database, tenantId);
    await sealedAt(test, tenantId, '2026-01');
    expect(await prune(tenantId, '2026-02')).toEqual([
      {
        seq: 1,
        month: '2026-01',
        removed: 2,
        kept: { 'open-request': 2, 'unsettled-create': 2, outcome: 0 },
      },
    ]);
    const { rows } = await test.database.pool.query<{ identity_id: string }>(
      'SELECT identity_id FROM api_call WHERE tenant_id = $1 ORDER BY id',
      [tenantId],
    );
    expect(rows.map((row) => row.identity_id)).toEqual([unmapped, waiting]);
    expect(mapped).not.toBe(unmapped);
    expect(await verify(test.database, tenantId)).toMatchObject({ findings: 0, rows: 4 });
    await test.database.pool.query(
      `UPDATE provisioning_request SET status = 'failed', error_code = 'internal_error', due_at = NULL, finished_at = now() WHERE tenant_id = $1`,
      [tenantId],
    );
    expect(await prune(tenantId, '2026-02')).toMatchObject([{ removed: 2, kept: { 'unsettled-create': 2 } }]);
    expect(await verify(test.database, tenantId)).toMatchObject({ findings: 0, rows: 2 });
  });

  it('still finds out who changes a row that was kept, or puts one back', async () => {
    const tenantId = await test.tenant();
    await personWithCreate(tenantId, false);
    await writeMonth(test, tenantId, '2026-01', 1);
    await prune(tenantId, '2026-02');
    const { rows } = await test.database.pool.query<{ id: string }>(
      'SELECT id FROM api_call WHERE tenant_id = $1',
      [tenantId],
    );
    await asOwner(test, `UPDATE api_call SET path = '/' WHERE id = $1`, [rows[0]!.id]);
    expect((await verify(test.database, tenantId)).first).toMatchObject([
      { what: 'row-changed', row: rows[0] },
    ]);
    const other = await test.tenant();
    await writeMonth(test, other, '2026-01', 1);
    await asOwner(
      test,
      'CREATE TABLE IF NOT EXISTS kept AS SELECT * FROM api_call WHERE tenant_id = $1'.replace(
        '$1',
        `'${other}'`,
      ),
    );
    await prune(other, '2026-02');
    await asOwner(test, 'INSERT INTO api_call OVERRIDING SYSTEM VALUE SELECT * FROM kept');
    expect((await verify(test.database, other)).first).toMatchObject([{ what: 'row-inserted', block: 1 }]);
  });

  it('is refused for months too young, and for blocks sealed too lately, whatever it is asked', async () => {
    const tenantId = await test.tenant();
    await writeMonth(test, tenantId, new Date().toISOString().slice(0, 7), 1);
    await expect(prune(tenantId, '9999-01')).resolves.toEqual([]);
    await asOwner(test, `UPDATE audit_block SET sealed_at = '2020-01-01' WHERE tenant_id = '${tenantId}'`);
    await expect(prune(tenantId, '9999-01')).rejects.toThrow('audit_block is append-only: UPDATE is refused');
    expect(await rowsOf(tenantId)).toBe(2);
  });
});
