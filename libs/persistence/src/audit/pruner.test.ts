import { createTestDatabase, samplePerson, type TestDatabase } from '../database/database.harness.ts';
import {
  asOwner,
  exported,
  prune,
  sealAll,
  sealedAt,
  verify,
  verifyFile,
  writeCalls,
  writeMonth,
} from './audit.harness.ts';
import { AuditPruner, firstMonthKept } from './pruner.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const rowsOf = async (tenantId: string): Promise<number> => {
  const { rows } = await test.database.pool.query<{ n: number }>(
    `SELECT (SELECT count(*) FROM api_call WHERE tenant_id = $1 AND operation <> 'prune_audit_log')::int
       + (SELECT count(*) FROM api_call_outcome o WHERE tenant_id = $1 AND EXISTS (
         SELECT FROM api_call c WHERE c.id = o.call_id AND operation <> 'prune_audit_log'))::int AS n`,
    [tenantId],
  );
  return rows[0]!.n;
};

/** An identity with one create in the audit log, all of it in 2026-01. */
async function personWithCreate(tenantId: string, account: boolean): Promise<string> {
  const { pool } = test.database;
  const person = samplePerson();
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
  await asOwner(
    test,
    `WITH c AS (INSERT INTO api_call (tenant_id, at, direction, system, operation, method, path, identity_id)
       VALUES ($1, '2026-01-10', 'out', 'box', 'create_user', 'POST', '/2.0/users', $2) RETURNING *)
     INSERT INTO api_call_outcome (call_id, tenant_id, call_at, at, result, duration_ms)
       SELECT id, tenant_id, at, at, 'ambiguous', 1 FROM c`,
    [tenantId, id],
  );
  return id;
}

const none = { 'open-request': 0, 'unsettled-create': 0, outcome: 0, pruning: 0 };

describe('pruning', () => {
  it('counts whole months back from the first day of the current month, in UTC', () => {
    expect(firstMonthKept(new Date('2026-03-31T23:59:59Z'), 1)).toBe('2026-02');
    expect(firstMonthKept(new Date('2026-03-01T00:00:00Z'), 3)).toBe('2025-12');
    expect(firstMonthKept(new Date('2026-01-31T00:00:00+14:00'), 12)).toBe('2025-01');
  });

  it('removes the rows of old months by a sealed act, and the chain stays valid', async () => {
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
    const [act, ...more] = await prune(test, tenantId, '2026-02');
    expect(more).toEqual([]);
    expect(act).toMatchObject({ blocks: [1], removed: 6, kept: none });
    expect(await rowsOf(tenantId)).toBe(6);
    const { rows } = await test.database.pool.query<{ actor: string; parameters: object; result: string }>(
      'SELECT actor, parameters, result FROM api_call JOIN api_call_outcome ON call_id = id WHERE id = $1',
      [act!.callId],
    );
    expect(rows).toMatchObject([
      {
        actor: 'operator:ada',
        parameters: { before: '2026-02', blocks: '{[1,2)}', rows: 6, kept: { calls: '{}', outcomes: '{}' } },
        result: 'ok',
      },
    ]);
    await sealAll(test.database, tenantId);
    const after = await verify(test.database, tenantId, head);
    expect(after).toMatchObject({ findings: 0, blocks: 5, rows: 8, prunedMonths: ['2026-01'], waiting: 0 });
    expect(after.prunings).toMatchObject([{ id: act!.callId, actor: 'operator:ada', rows: 6 }]);
    expect(await prune(test, tenantId, '2026-02')).toEqual([]);
    expect(await sealAll(test.database, tenantId)).toBe(0);
  });

  it('can be stopped between two acts, and continues when it is called again', async () => {
    const tenantId = await test.tenant();
    for (const month of ['2026-01', '2026-02', '2026-03']) await writeMonth(test, tenantId, month, 1);
    const stopping = new AbortController();
    const options = { actor: 'operator:ada', stopping: stopping.signal, actBlocks: 1 };
    for await (const act of new AuditPruner(test.database, tenantId).prune('2026-04', options)) {
      expect(act.blocks).toEqual([3]);
      stopping.abort();
    }
    expect(await verify(test.database, tenantId)).toMatchObject({ findings: 0, prunedMonths: ['2026-03'] });
    expect(await prune(test, tenantId, '2026-04', { actBlocks: 1 })).toHaveLength(2);
    expect(await rowsOf(tenantId)).toBe(0);
    expect(await verify(test.database, tenantId)).toMatchObject({ findings: 0 });
  });

  it('removes a call only after its outcome, when they are in two blocks', async () => {
    const tenantId = await test.tenant();
    const { rows } = await asOwner(
      test,
      `INSERT INTO api_call (tenant_id, at, direction, system, operation, method, path)
       VALUES ($1, '2026-01-31T23:59:59.9Z', 'out', 'box', 'find_user', 'GET', '/') RETURNING id`,
      [tenantId],
    );
    const [{ id }] = rows as [{ id: string }];
    await sealAll(test.database, tenantId);
    await sealedAt(test, tenantId, '2026-01');
    await asOwner(
      test,
      `INSERT INTO api_call_outcome (call_id, tenant_id, call_at, at, result, duration_ms)
       SELECT id, tenant_id, at, '2026-02-01T00:00:00.1Z', 'ok', 200 FROM api_call WHERE id = $1`,
      [id],
    );
    expect(await prune(test, tenantId, '2026-02')).toEqual([]);
    expect(await verify(test.database, tenantId)).toMatchObject({ findings: 0, rows: 1, waiting: 1 });
    await sealAll(test.database, tenantId);
    await sealedAt(test, tenantId, '2026-01');
    expect(await prune(test, tenantId, '2026-02')).toMatchObject([{ blocks: [2, 1], removed: 2 }]);
    expect(await verify(test.database, tenantId)).toMatchObject({ findings: 0, rows: 1 });
  });

  it('keeps the rows that the next worker of a person reads, and removes them once the create is settled', async () => {
    const tenantId = await test.tenant();
    await personWithCreate(tenantId, true);
    const unmapped = await personWithCreate(tenantId, false);
    const waiting = await personWithCreate(tenantId, true);
    await test.database.pool.query(
      `INSERT INTO provisioning_request (tenant_id, identity_id, generation, cause, priority, due_at) VALUES ($1, $2, 1, 'api', 1, now())`,
      [tenantId, waiting],
    );
    await sealAll(test.database, tenantId);
    await sealedAt(test, tenantId, '2026-01');
    expect(await prune(test, tenantId, '2026-02')).toMatchObject([
      { blocks: [1], removed: 2, kept: { ...none, 'open-request': 2, 'unsettled-create': 2 } },
    ]);
    const { rows } = await test.database.pool.query<{ identity_id: string }>(
      `SELECT identity_id FROM api_call WHERE tenant_id = $1 AND operation = 'create_user' ORDER BY id`,
      [tenantId],
    );
    expect(rows.map((row) => row.identity_id)).toEqual([unmapped, waiting]);
    await sealAll(test.database, tenantId);
    expect(await verify(test.database, tenantId)).toMatchObject({ findings: 0, rows: 6 });
    await test.database.pool.query(
      `UPDATE provisioning_request SET status = 'failed', error_code = 'internal_error', due_at = NULL, finished_at = now() WHERE tenant_id = $1`,
      [tenantId],
    );
    expect(await prune(test, tenantId, '2026-02')).toMatchObject([
      { removed: 2, kept: { 'unsettled-create': 2 } },
    ]);
    await sealAll(test.database, tenantId);
    expect(await verify(test.database, tenantId)).toMatchObject({ findings: 0, rows: 6 });
  });

  it('keeps the records of prunings, which explain why rows are missing, when their own month is pruned', async () => {
    const tenantId = await test.tenant();
    await writeMonth(test, tenantId, '2026-01', 1);
    const [act] = await prune(test, tenantId, '2026-02');
    await sealAll(test.database, tenantId);
    await asOwner(test, `UPDATE api_call SET at = '2026-05-02' WHERE id = $1`, [act!.callId]);
    await asOwner(test, `DELETE FROM audit_block WHERE tenant_id = $1 AND seq > 1`, [tenantId]);
    await asOwner(test, `UPDATE api_call_outcome SET call_at = '2026-05-02' WHERE call_id = $1`, [
      act!.callId,
    ]);
    await asOwner(test, `DELETE FROM audit_position WHERE tenant_id = $1`, [tenantId]);
    await sealAll(test.database, tenantId);
    await sealedAt(test, tenantId, '2026-05');
    expect(await verify(test.database, tenantId)).toMatchObject({ findings: 0 });
    expect(await prune(test, tenantId, '2026-06')).toEqual([]);
    expect(await verify(test.database, tenantId)).toMatchObject({ findings: 0, prunedMonths: ['2026-01'] });
  });

  it('removes nothing when the record of the pruning cannot be sealed', async () => {
    const tenantId = await test.tenant();
    await writeMonth(test, tenantId, '2026-01', 1);
    const busy = await test.database.connect();
    await busy.query('BEGIN; SELECT pg_current_xact_id()');
    await expect(prune(test, tenantId, '2026-02', { sealWithinMs: 1 })).rejects.toThrow(
      /was not sealed within/,
    );
    await busy.query('ROLLBACK');
    await busy.end();
    expect(await rowsOf(tenantId)).toBe(2);
    await sealAll(test.database, tenantId);
    expect(await verify(test.database, tenantId)).toMatchObject({ findings: 0, prunedMonths: [] });
    expect(await prune(test, tenantId, '2026-02')).toMatchObject([{ removed: 2 }]);
    expect(await verify(test.database, tenantId)).toMatchObject({ findings: 0, prunedMonths: ['2026-01'] });
  });

  it('still detects a kept row that was changed or inserted again', async () => {
    const tenantId = await test.tenant();
    await personWithCreate(tenantId, false);
    await writeMonth(test, tenantId, '2026-01', 1);
    await prune(test, tenantId, '2026-02');
    const { rows } = await test.database.pool.query<{ id: string }>(
      `SELECT id FROM api_call WHERE tenant_id = $1 AND operation = 'create_user'`,
      [tenantId],
    );
    await asOwner(test, `UPDATE api_call SET path = '/' WHERE id = $1`, [rows[0]!.id]);
    expect((await verify(test.database, tenantId)).first).toMatchObject([
      { what: 'row-changed', row: rows[0] },
    ]);
    const other = await test.tenant();
    await writeMonth(test, other, '2026-01', 1);
    await asOwner(test, `CREATE TABLE kept AS SELECT * FROM api_call WHERE tenant_id = '${other}'`);
    await prune(test, other, '2026-02');
    await asOwner(test, 'INSERT INTO api_call OVERRIDING SYSTEM VALUE SELECT * FROM kept');
    const { first } = await verify(test.database, other);
    expect(first.map(({ what, block }) => ({ what, block }))).toContainEqual({
      what: 'row-inserted',
      block: 1,
    });
  });

  it('is rejected for months that are too recent, and for blocks that were sealed too recently', async () => {
    const tenantId = await test.tenant();
    await writeMonth(test, tenantId, new Date().toISOString().slice(0, 7), 1);
    await expect(prune(test, tenantId, '9999-01')).resolves.toEqual([]);
    await asOwner(test, `UPDATE audit_block SET sealed_at = '2020-01-01' WHERE tenant_id = '${tenantId}'`);
    await expect(prune(test, tenantId, '9999-01')).rejects.toThrow(
      'audit_block is append-only: UPDATE is refused',
    );
    expect(await rowsOf(tenantId)).toBe(2);
  });
});

describe('an export of a pruned log', () => {
  it('can be verified without the database, whichever months it contains', async () => {
    const tenantId = await test.tenant();
    await personWithCreate(tenantId, false);
    await writeMonth(test, tenantId, '2026-01', 2);
    await writeMonth(test, tenantId, '2026-02', 1);
    await prune(test, tenantId, '2026-02');
    await sealAll(test.database, tenantId);
    for (const months of [
      { from: null, to: null },
      { from: null, to: '2026-01' },
      { from: '2026-01', to: '2026-02' },
      { from: '2026-02', to: '2026-02' },
    ]) {
      const lines = await exported(test.database, tenantId, months);
      expect(await verifyFile(lines)).toMatchObject({ findings: 0 });
    }
    const [start, ...rest] = await exported(test.database, tenantId, { from: null, to: '2026-01' });
    const { prunings: _left, ...others } = JSON.parse(start!) as Record<string, unknown>;
    const silent = await verifyFile([JSON.stringify(others), ...rest]);
    expect(silent.findings).toBeGreaterThan(0);
  });

  it('shows which rows were removed without a pruning', async () => {
    const tenantId = await test.tenant();
    await writeMonth(test, tenantId, '2026-01', 2);
    const lines = await exported(test.database, tenantId, { from: null, to: null });
    const emptied = lines
      .filter((line) => !line.startsWith('{"digest"'))
      .map((line) =>
        line
          .replace('"rows":"follow"', '"rows":"pruned"')
          .replace('"prunedAt":null', '"prunedAt":"2026-03-01T00:00:00.000Z"')
          .replace('"rows":4', '"rows":0'),
      );
    expect((await verifyFile(emptied)).first).toMatchObject([{ what: 'rows-removed', block: 1 }]);
  });
});
