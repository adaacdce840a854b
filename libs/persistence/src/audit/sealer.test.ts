import pg from 'pg';
import { createTestDatabase, transactionsEnded, type TestDatabase } from '../database/database.harness.ts';
import { asOwner, sealAll, verify, writeCalls } from './audit.harness.ts';
import { AuditSealer } from './sealer.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const insert = `INSERT INTO api_call (tenant_id, direction, system, operation, method, path)
  VALUES ($1, 'out', 'box', 'find_user', 'GET', '/2.0/users') RETURNING id::text, tx::text`;

async function connected<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: test.url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** How many blocks have each row; every row must be in one. */
async function blocksPerRow(tenantId: string): Promise<number[]> {
  const { rows } = await test.database.pool.query<{ n: number }>(
    `SELECT (SELECT count(*)::int FROM audit_block b WHERE b.call_ids @> c.id) AS n FROM api_call c WHERE c.tenant_id = $1
     UNION ALL
     SELECT (SELECT count(*)::int FROM audit_block b WHERE b.outcome_ids @> o.call_id) FROM api_call_outcome o WHERE o.tenant_id = $1`,
    [tenantId],
  );
  return [...new Set(rows.map(({ n }) => n))];
}

describe('the sealer', () => {
  it('seals new rows once, and continues where it ended', async () => {
    const tenantId = await test.tenant();
    const sealer = new AuditSealer(test.database, tenantId);
    expect(await sealer.round()).toEqual({ rows: 0, blocks: 0, head: null, more: false });
    await writeCalls(test.database, tenantId, 3);
    await transactionsEnded(test.database);
    const first = await sealer.round();
    expect(first).toMatchObject({ rows: 6, blocks: 1, head: { seq: 1 } });
    expect(await sealer.round()).toEqual({ rows: 0, blocks: 0, head: first!.head, more: false });
    await writeCalls(test.database, tenantId, 1);
    await transactionsEnded(test.database);
    expect(await sealer.round()).toMatchObject({ rows: 2, head: { seq: 2 } });
    expect(await verify(test.database, tenantId)).toMatchObject({
      findings: 0,
      rows: 8,
      blocks: 2,
      waiting: 0,
    });
  });

  it('leaves out rows of a transaction that still runs, and seals them when it has ended', async () => {
    const tenantId = await test.tenant();
    const sealer = new AuditSealer(test.database, tenantId);
    await connected(async (slow) => {
      await slow.query('BEGIN');
      const { rows } = await slow.query<{ id: string }>(insert, [tenantId]);
      await writeCalls(test.database, tenantId, 2);
      expect(await sealer.round()).toMatchObject({ rows: 0 });
      expect(await verify(test.database, tenantId)).toMatchObject({ waiting: 4, findings: 0 });
      await slow.query('COMMIT');
      await transactionsEnded(test.database);
      expect(await sealer.round()).toMatchObject({ rows: 5, blocks: 1 });
      const block = await test.database.pool.query(
        'SELECT 1 FROM audit_block WHERE tenant_id = $1 AND call_ids @> $2::bigint',
        [tenantId, rows[0]!.id],
      );
      expect(block.rowCount).toBe(1);
    });
  });

  it('is not affected by rows that were rolled back', async () => {
    const tenantId = await test.tenant();
    await connected(async (client) => {
      await client.query('BEGIN');
      await client.query(insert, [tenantId]);
      await client.query('ROLLBACK');
    });
    await writeCalls(test.database, tenantId, 1);
    expect(await sealAll(test.database, tenantId)).toBe(2);
    expect(await verify(test.database, tenantId)).toMatchObject({ findings: 0 });
  });

  it('puts every row into exactly one block, for any number and duration of writers and sealers', async () => {
    const tenantId = await test.tenant();
    let writing = true;
    const seals = Array.from({ length: 3 }, async () => {
      const sealer = new AuditSealer(test.database, tenantId);
      while (writing) await sealer.round();
    });
    const writers = Array.from({ length: 4 }, (_, writer) =>
      connected(async (client) => {
        const other = new pg.Client({ connectionString: test.url });
        await other.connect();
        for (let turn = 0; turn < 40; turn++) {
          // A transaction that stays open while others begin and commit, so that ids and transactions commit out of
          // order.
          await client.query('BEGIN');
          await client.query(insert, [tenantId]);
          for (let inner = 0; inner <= writer; inner++) await other.query(insert, [tenantId]);
          await client.query(insert, [tenantId]);
          await client.query(turn % 5 === 4 ? 'ROLLBACK' : 'COMMIT');
        }
        await other.end();
      }),
    );
    await Promise.all(writers);
    writing = false;
    await Promise.all(seals);
    await sealAll(test.database, tenantId);
    expect(await blocksPerRow(tenantId)).toEqual([1]);
    expect(await verify(test.database, tenantId)).toMatchObject({
      findings: 0,
      waiting: 0,
      rows: 4 * 32 * 2 + 40 * 10,
    });
  });

  it('leaves no partial result when it is stopped in the middle of a round', async () => {
    const tenantId = await test.tenant();
    await writeCalls(test.database, tenantId, 5);
    await transactionsEnded(test.database);
    for (const statement of ['pg_control_system', 'FROM api_call ', 'INSERT INTO audit_block', 'COMMIT']) {
      const dying = new AuditSealer(killedAt(statement), tenantId);
      await expect(dying.round()).rejects.toThrow();
      expect(await verify(test.database, tenantId)).toMatchObject({
        findings: 0,
        blocks: 0,
        waiting: 10,
      });
    }
    expect(await sealAll(test.database, tenantId)).toBe(10);
    expect(await verify(test.database, tenantId)).toMatchObject({ findings: 0, rows: 10 });
  });

  it('lets another sealer work while one is busy, and seals no row twice', async () => {
    const tenantId = await test.tenant();
    await writeCalls(test.database, tenantId, 5);
    await connected(async (busy) => {
      await busy.query('BEGIN');
      await busy.query(`SELECT pg_advisory_xact_lock(hashtextextended('foyer audit seal ' || $1, 0))`, [
        tenantId,
      ]);
      expect(await new AuditSealer(test.database, tenantId).round()).toBeNull();
      await busy.query('ROLLBACK');
    });
    expect(await sealAll(test.database, tenantId)).toBe(10);
  });

  it('seals rows older than itself, and those of a restored cluster whose transaction numbers restart', async () => {
    const tenantId = await test.tenant();
    await writeCalls(test.database, tenantId, 4);
    await asOwner(test, `UPDATE api_call SET tx = '0' WHERE tenant_id = '${tenantId}'`);
    expect(await sealAll(test.database, tenantId)).toBe(8);
    // As after a restore: the rows that were not sealed in the dump have transaction numbers that this cluster has not
    // reached.
    await writeCalls(test.database, tenantId, 3);
    await asOwner(
      test,
      `UPDATE api_call SET tx = '9000000000' WHERE tenant_id = '${tenantId}' AND tx > '0';
       UPDATE api_call_outcome SET tx = '9000000000' WHERE tenant_id = '${tenantId}';
       UPDATE audit_position SET cluster = 'another', horizon = '9000000000' WHERE tenant_id = '${tenantId}'`,
    );
    await writeCalls(test.database, tenantId, 2);
    expect(await verify(test.database, tenantId)).toMatchObject({ findings: 0, waiting: 10 });
    expect(await sealAll(test.database, tenantId)).toBe(10);
    await writeCalls(test.database, tenantId, 1);
    expect(await sealAll(test.database, tenantId)).toBe(2);
    expect(await verify(test.database, tenantId)).toMatchObject({ findings: 0, waiting: 0, rows: 20 });
  });

  it('keeps tenants apart', async () => {
    const [one, two] = [await test.tenant(), await test.tenant()];
    for (let turn = 0; turn < 3; turn++)
      for (const tenantId of [one, two]) await writeCalls(test.database, tenantId, 1);
    await Promise.all([sealAll(test.database, one), sealAll(test.database, two)]);
    for (const tenantId of [one, two])
      expect(await verify(test.database, tenantId)).toMatchObject({ findings: 0, rows: 6, head: { seq: 1 } });
  });

  it('continues in the middle of a transaction that has more rows than a round takes', async () => {
    const tenantId = await test.tenant();
    const sealer = new AuditSealer(test.database, tenantId, { roundRows: 3, walkRows: 1_000 });
    // Finishes the scan of older rows.
    await sealer.round();
    await connected(async (client) => {
      await client.query('BEGIN');
      for (let row = 0; row < 8; row++) await client.query(insert, [tenantId]);
      await client.query('COMMIT');
    });
    await transactionsEnded(test.database);
    const rounds: number[] = [];
    for (let more = true; more;) {
      const round = await sealer.round();
      rounds.push(round!.rows);
      more = round!.more;
    }
    expect(rounds).toEqual([3, 3, 2]);
    expect(await verify(test.database, tenantId)).toMatchObject({ findings: 0, rows: 8, waiting: 0 });
  });

  it.each([
    ['fewer rows than it seals', { roundRows: 3, walkRows: 2 }],
    ['more rows than it seals', { roundRows: 2, walkRows: 5 }],
    ['exactly those that it seals', { roundRows: 4, walkRows: 4 }],
    ['one row', { roundRows: 1, walkRows: 1 }],
  ])('leaves out no row of the whole table when a round reads %s', async (_name, limits) => {
    const tenantId = await test.tenant();
    await connected(async (client) => {
      for (let row = 0; row < 9; row++) await client.query(insert, [tenantId]);
    });
    await transactionsEnded(test.database);
    const sealer = new AuditSealer(test.database, tenantId, limits);
    for (let rounds = 0, more = true; more; rounds++) {
      expect(rounds).toBeLessThan(20);
      more = (await sealer.round())!.more;
    }
    expect(await blocksPerRow(tenantId)).toEqual([1]);
    expect(await verify(test.database, tenantId)).toMatchObject({ findings: 0, rows: 9, waiting: 0 });
  });

  it('makes a block for each month', async () => {
    const tenantId = await test.tenant();
    await writeCalls(test.database, tenantId, 2);
    await asOwner(
      test,
      `UPDATE api_call SET at = '2026-01-31T23:59:59.999Z' WHERE tenant_id = '${tenantId}' AND parameters ->> 'at' = '0';
       UPDATE api_call_outcome SET call_at = c.at FROM api_call c WHERE c.id = call_id AND c.tenant_id = '${tenantId}'`,
    );
    await sealAll(test.database, tenantId);
    const { rows } = await test.database.pool.query<{ month: string; count: number }>(
      'SELECT month, count FROM audit_block WHERE tenant_id = $1 ORDER BY seq',
      [tenantId],
    );
    expect(rows).toEqual([
      { month: '2026-01', count: 2 },
      { month: new Date().toISOString().slice(0, 7), count: 2 },
    ]);
  });
});

/** A database whose connection is killed by the server as soon as a statement with this text is sent. */
function killedAt(text: string): TestDatabase['database'] {
  const { pool } = test.database;
  const dying = Object.create(pool) as typeof pool;
  dying.connect = (async () => {
    const client = await pool.connect();
    const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>;
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    client.query = (async (...args: unknown[]) => {
      const [asked] = args as [string | { readonly text: string }];
      if ((typeof asked === 'string' ? asked : asked.text).includes(text))
        await pool.query('SELECT pg_terminate_backend($1)', [rows[0]!.pid]);
      return query(...args);
    }) as typeof client.query;
    return client;
  }) as typeof pool.connect;
  return { ...test.database, pool: dying };
}
