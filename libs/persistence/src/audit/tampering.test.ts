import type { AuditFindingKind } from '@foyer/provisioning';
import fc from 'fast-check';
import { createTestDatabase, type TestDatabase } from '../database/database.harness.ts';
import { asOwner, sealAll, verify, writeCalls } from './audit.harness.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

/** Three blocks of two calls each; gives the calls' ids in order. */
async function chain(): Promise<{ tenantId: string; ids: string[] }> {
  const tenantId = await test.tenant();
  for (let block = 0; block < 3; block++) {
    await writeCalls(test.database, tenantId, 2);
    await sealAll(test.database, tenantId);
    // An unused id, as a rolled back transaction leaves it.
    await test.database.pool.query(`SELECT nextval(pg_get_serial_sequence('api_call', 'id'))`);
  }
  const { rows } = await test.database.pool.query<{ id: string }>(
    'SELECT id FROM api_call WHERE tenant_id = $1 ORDER BY id',
    [tenantId],
  );
  return { tenantId, ids: rows.map(({ id }) => id) };
}

const places = [
  ['first', 0, 1],
  ['middle', 2, 2],
  ['last', 5, 3],
] as const;

const changes: [table: 'call' | 'outcome', column: string, value: string][] = [
  ['call', 'at', `at + interval '1 millisecond'`],
  ['call', 'direction', `'in'`],
  ['call', 'system', `'okta'`],
  ['call', 'operation', `'create_user'`],
  ['call', 'method', `'POST'`],
  ['call', 'path', `path || '/1'`],
  ['call', 'request_id', 'gen_random_uuid()'],
  ['call', 'identity_id', 'gen_random_uuid()'],
  ['call', 'actor', `''`],
  ['call', 'parameters', `parameters || '{"big": 12345678901234567891}'`],
  [
    'call',
    'tenant_id',
    '(SELECT p.tenant_id FROM audit_position p WHERE p.tenant_id <> api_call.tenant_id LIMIT 1)',
  ],
  ['outcome', 'at', `'infinity'`],
  ['outcome', 'call_at', `call_at - interval '1 day'`],
  ['outcome', 'result', `'failed'`],
  ['outcome', 'status', 'NULL'],
  ['outcome', 'error', `'no'`],
  ['outcome', 'answer', `'null'`],
  ['outcome', 'duration_ms', `'NaN'`],
];

describe('an attacker with all rights on the tables', () => {
  it.each(changes)('is detected after changing the %s: %s = %s', async (kind, column, value) => {
    await chain();
    const { tenantId, ids } = await chain();
    for (const [, at, block] of places) {
      const [table, id] = kind === 'call' ? ['api_call', 'id'] : ['api_call_outcome', 'call_id'];
      await asOwner(test, `UPDATE ${table} SET ${column} = ${value} WHERE ${id} = $1`, [ids[at]]);
      const { first } = await verify(test.database, tenantId);
      const found = first.filter(({ row }) => row?.id === ids[at]);
      // A row that was given to another tenant is reported in its original block; the other tenant's chain never had
      // it.
      expect(found).toMatchObject([{ what: 'row-changed', block, row: { kind } }]);
    }
    expect((await verify(test.database, tenantId)).first[0]?.row?.id).toBe(ids[0]);
  });

  it.each(places)('is detected after removing the %s row', async (_place, at, block) => {
    const { tenantId, ids } = await chain();
    await asOwner(test, 'DELETE FROM api_call_outcome WHERE call_id = $1', [ids[at]]);
    const outcome = { what: 'row-removed', block, row: { kind: 'outcome', id: ids[at], at: null } };
    expect(await verify(test.database, tenantId)).toMatchObject({ findings: 1, first: [outcome] });
    await asOwner(test, 'DELETE FROM api_call WHERE id = $1', [ids[at]]);
    const call = { what: 'row-removed', block, row: { kind: 'call', id: ids[at] } };
    expect(await verify(test.database, tenantId)).toMatchObject({ findings: 2, first: [call, outcome] });
  });

  it.each([
    ['before the first', (ids: bigint[]) => -ids[0]!, 1],
    ['in the middle', (ids: bigint[]) => ids[1]! + 1n, 2],
    ['after the last', (ids: bigint[]) => ids[5]! + 1n, null],
  ] as const)('is detected after inserting a row %s', async (_place, idOf, block) => {
    const { tenantId, ids } = await chain();
    const id = String(idOf(ids.map(BigInt)));
    await asOwner(
      test,
      `INSERT INTO api_call (id, tenant_id, direction, system, operation, method, path, tx) OVERRIDING SYSTEM VALUE
       VALUES ($1, $2, 'out', 'box', 'find_user', 'GET', '/', '3')`,
      [id, tenantId],
    );
    const found = { what: 'row-inserted', block, row: { kind: 'call', id } };
    expect(await verify(test.database, tenantId)).toMatchObject({ findings: 1, first: [found] });
  });

  it('differs from an ordinary writer, whose rows count as waiting for the sealer and not as inserted', async () => {
    const { tenantId } = await chain();
    await writeCalls(test.database, tenantId, 2);
    expect(await verify(test.database, tenantId)).toMatchObject({ findings: 0, waiting: 4 });
  });

  const blockChanges: [what: string, sql: string, finding: AuditFindingKind, seq: number][] = [
    ['counts otherwise', 'UPDATE audit_block SET count = count + 1 WHERE seq = 2', 'block-changed', 2],
    ['names other ids', `UPDATE audit_block SET call_ids = '{}' WHERE seq = 2`, 'block-changed', 2],
    ['moves the month', `UPDATE audit_block SET month = '2001-01' WHERE seq = 3`, 'block-changed', 3],
    [
      'moves the time',
      `UPDATE audit_block SET sealed_at = sealed_at - interval '1 s' WHERE seq = 1`,
      'block-changed',
      1,
    ],
    ['changes the hash', `UPDATE audit_block SET hash = sha256('') WHERE seq = 2`, 'block-changed', 2],
    [
      'changes what went before',
      `UPDATE audit_block SET previous = sha256('') WHERE seq = 2`,
      'block-replaced',
      2,
    ],
    [
      'changes the entries',
      `UPDATE audit_block SET entries = set_byte(entries, 20, (get_byte(entries, 20) + 1) % 256) WHERE seq = 2`,
      'row-changed',
      2,
    ],
    [
      'cuts the entries',
      `UPDATE audit_block SET entries = substr(entries, 1, 41) WHERE seq = 2`,
      'row-removed',
      2,
    ],
    ['spoils the entries', `UPDATE audit_block SET entries = 'abc' WHERE seq = 2`, 'row-removed', 2],
    ['removes the first block', 'DELETE FROM audit_block WHERE seq = 1', 'block-removed', 1],
    ['removes one in the middle', 'DELETE FROM audit_block WHERE seq = 2', 'block-removed', 2],
    [
      'exchanges two',
      'UPDATE audit_block SET seq = CASE seq WHEN 2 THEN 30 ELSE 2 END WHERE seq IN (2, 3)',
      'block-replaced',
      2,
    ],
  ];
  it.each(blockChanges)('is detected when it %s of a block', async (_what, sql, what, seq) => {
    const { tenantId } = await chain();
    await asOwner(test, sql.includes('WHERE') ? `${sql} AND tenant_id = '${tenantId}'` : sql);
    const { findings, first } = await verify(test.database, tenantId);
    expect(findings).toBeGreaterThan(0);
    expect(first[0]).toMatchObject({ what, block: seq });
  });

  it('leaves rows without a block after removing the newest block, and a stored head names what is missing', async () => {
    const { tenantId } = await chain();
    const { head } = await verify(test.database, tenantId);
    await asOwner(test, `DELETE FROM audit_block WHERE seq = 3 AND tenant_id = '${tenantId}'`);
    const { first } = await verify(test.database, tenantId, head);
    expect(new Set(first.map(({ what }) => what))).toEqual(new Set(['row-inserted', 'head-missing']));
  });

  it('is detected only by a stored head after rewriting the whole chain', async () => {
    const { tenantId, ids } = await chain();
    const { head } = await verify(test.database, tenantId);
    await asOwner(test, `UPDATE api_call SET actor = 'somebody else' WHERE id = '${ids[0]}'`);
    await asOwner(test, `DELETE FROM audit_block WHERE tenant_id = '${tenantId}'`);
    await asOwner(test, `DELETE FROM audit_position WHERE tenant_id = '${tenantId}'`);
    await sealAll(test.database, tenantId);
    expect(await verify(test.database, tenantId)).toMatchObject({ findings: 0 });
    const noted = await verify(test.database, tenantId, head);
    expect(noted.first.map(({ what }) => what)).toEqual(['head-missing']);
    await writeCalls(test.database, tenantId, 1);
    await sealAll(test.database, tenantId);
    await writeCalls(test.database, tenantId, 1);
    await sealAll(test.database, tenantId);
    expect((await verify(test.database, tenantId, head)).first.map(({ what }) => what)).toEqual([
      'head-differs',
    ]);
  });

  it('is detected after any change in any place', async () => {
    const { tenantId } = await chain();
    const columns = {
      api_call: [
        'at',
        'direction',
        'system',
        'operation',
        'method',
        'path',
        'request_id',
        'identity_id',
        'actor',
        'parameters',
      ],
      api_call_outcome: ['call_at', 'at', 'result', 'status', 'error', 'answer', 'duration_ms'],
      audit_block: ['month', 'count', 'entries', 'entries_digest', 'previous', 'hash', 'sealed_at'],
    };
    const values: Record<string, string> = {
      at: `'2020-01-01'`,
      call_at: `'2020-01-01'`,
      direction: `'in'`,
      system: `'foyer'`,
      operation: `'x'`,
      method: `'x'`,
      path: `'x'`,
      request_id: 'gen_random_uuid()',
      identity_id: 'gen_random_uuid()',
      actor: `'x'`,
      parameters: `'{"x":1}'`,
      result: `'refused'`,
      status: '599',
      error: `'x'`,
      answer: `'{"x":1}'`,
      duration_ms: '-1',
      month: `'2020-01'`,
      count: '999',
      entries: `decode(repeat('01', 41), 'hex')`,
      entries_digest: `sha256('x')`,
      previous: `sha256('x')`,
      hash: `sha256('x')`,
      sealed_at: `'2020-01-01'`,
    };
    const target = fc.constantFrom(
      ...Object.entries(columns).flatMap(([table, names]) => names.map((name) => [table, name] as const)),
    );
    await fc.assert(
      fc.asyncProperty(target, fc.nat(5), async ([table, column], nth) => {
        const where = `ctid = (SELECT ctid FROM ${table} WHERE tenant_id = '${tenantId}' ORDER BY ctid OFFSET ${nth} % (
          SELECT count(*) FROM ${table} WHERE tenant_id = '${tenantId}') LIMIT 1)`;
        await test.database.pool.query('DROP TABLE IF EXISTS kept');
        await test.database.pool.query(`CREATE TABLE kept AS SELECT * FROM ${table} WHERE ${where}`);
        await asOwner(test, `UPDATE ${table} SET ${column} = ${values[column]} WHERE ${where}`);
        const { findings } = await verify(test.database, tenantId);
        const key =
          table === 'api_call'
            ? 't.id = k.id'
            : table === 'audit_block'
              ? 't.tenant_id = k.tenant_id AND t.seq = k.seq'
              : 't.call_id = k.call_id';
        await asOwner(test, `UPDATE ${table} t SET ${column} = k.${column} FROM kept k WHERE ${key}`);
        const restored = await verify(test.database, tenantId);
        return findings > 0 && restored.findings === 0;
      }),
      { numRuns: 40 },
    );
  });
});

describe('the append-only guards', () => {
  it.each([
    ['UPDATE of a block', (id: string) => `UPDATE audit_block SET count = 1 WHERE tenant_id = '${id}'`],
    [
      'pruning a fresh block',
      (id: string) => `UPDATE audit_block SET pruned_at = now(), entries = NULL WHERE tenant_id = '${id}'`,
    ],
    ['DELETE of a block', (id: string) => `DELETE FROM audit_block WHERE tenant_id = '${id}'`],
    ['TRUNCATE of the blocks', () => 'TRUNCATE audit_block'],
    ['DELETE of a call', (id: string) => `DELETE FROM api_call WHERE tenant_id = '${id}'`],
    ['DELETE of an outcome', (id: string) => `DELETE FROM api_call_outcome WHERE tenant_id = '${id}'`],
    [
      'DELETE with triggers for replicas',
      (id: string) =>
        `SET session_replication_role = replica; DELETE FROM api_call_outcome WHERE tenant_id = '${id}'`,
    ],
    [
      'DELETE with a block table of one’s own',
      (id: string) => `SET search_path = pg_temp, public; CREATE TEMP TABLE audit_block AS
      SELECT * FROM public.audit_block; UPDATE audit_block SET pruned_at = now();
      DELETE FROM api_call_outcome WHERE tenant_id = '${id}'`,
    ],
  ])('refuse %s', async (_name, sql) => {
    const { tenantId } = await chain();
    const client = await test.database.connect();
    await expect(client.query(sql(tenantId))).rejects.toThrow(/append-only/);
    await client.end();
    expect(await verify(test.database, tenantId)).toMatchObject({ findings: 0, rows: 12 });
  });

  it('refuse a block with an old time of sealing, or one that is inserted as pruned', async () => {
    const tenantId = await test.tenant();
    const block = `INSERT INTO audit_block (tenant_id, seq, month, count, call_ids, outcome_ids, entries, entries_digest, previous, hash, sealed_at, pruned_at)
      VALUES ($1, 1, '2020-01', 1, '{[1,1000000)}', '{}', '', sha256(''), sha256(''), sha256(''), $2, $3)`;
    const { pool } = test.database;
    await expect(pool.query(block, [tenantId, '2020-02-01', null])).rejects.toThrow(/append-only/);
    await expect(pool.query(block, [tenantId, new Date(), new Date()])).rejects.toThrow(/append-only/);
  });
});
