import { CallInsideTransaction, refuseInsideTransaction } from '@foyer/provisioning';
import { createTestDatabase, type TestDatabase } from './database.harness.ts';
import { inTransaction, sqlStateOf, transaction } from './transaction.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
  await test.database.pool.query('CREATE TABLE counter (id int PRIMARY KEY, n int NOT NULL)');
});
afterAll(() => test.drop());
beforeEach(() => test.database.pool.query('TRUNCATE counter; INSERT INTO counter VALUES (1, 0), (2, 0)'));

const counts = async (): Promise<number[]> => {
  const { rows } = await test.database.pool.query<{ n: number }>('SELECT n FROM counter ORDER BY id');
  return rows.map(({ n }) => n);
};

/** Resolves for all callers when `many` have arrived; later callers pass at once. */
function gate(many: number): () => Promise<void> {
  const open = Promise.withResolvers<void>();
  let came = 0;
  return () => {
    if (++came >= many) open.resolve();
    return open.promise;
  };
}

const add = 'UPDATE counter SET n = n + 1 WHERE id = $1';

describe('a transaction that was aborted by a conflict', () => {
  it('succeeds on another attempt: two that lock two rows in opposite order both commit (deadlock)', async () => {
    const bothHoldOne = gate(2);
    let tries = 0;
    const crosswise = (first: number, second: number) =>
      transaction(test.database, async (tx) => {
        tries++;
        await tx.$executeRawUnsafe(add, first);
        await bothHoldOne();
        await tx.$executeRawUnsafe(add, second);
      });
    await Promise.all([crosswise(1, 2), crosswise(2, 1)]);
    expect(await counts()).toEqual([2, 2]);
    expect(tries).toBe(3);
  });

  it('succeeds on another attempt: two that read and write the same row of one snapshot (serialization)', async () => {
    const bothHaveRead = gate(2);
    let tries = 0;
    const readAndAdd = () =>
      inTransaction(test.database.pool, 'repeatable-read', async (client) => {
        tries++;
        const { rows } = await client.query<{ n: number }>('SELECT n FROM counter WHERE id = 1');
        await bothHaveRead();
        await client.query('UPDATE counter SET n = $1 WHERE id = 1', [rows[0]!.n + 1]);
      });
    await Promise.all([readAndAdd(), readAndAdd()]);
    expect(await counts()).toEqual([2, 0]);
    expect(tries).toBe(3);
  });

  const giveWay = `DO $$ BEGIN RAISE EXCEPTION 'give way' USING ERRCODE = 'serialization_failure'; END $$`;

  it('fails after five attempts, and leaves no changes', async () => {
    let tries = 0;
    const work = transaction(test.database, async (tx) => {
      tries++;
      await tx.$executeRawUnsafe(add, 1);
      await tx.$executeRawUnsafe(giveWay);
    });
    await expect(work).rejects.toThrow();
    expect(tries).toBe(5);
    expect(await counts()).toEqual([0, 0]);
  });

  it('is not repeated when it reads a snapshot, because the rows may have been sent already', async () => {
    let tries = 0;
    const work = inTransaction(test.database.pool, 'snapshot', async (client) => {
      tries++;
      await client.query(giveWay);
    });
    await expect(work).rejects.toMatchObject({ code: '40001' });
    expect(tries).toBe(1);
  });
});

describe('a transaction that failed otherwise', () => {
  it.each(['SELECT 1 / 0', 'INSERT INTO counter VALUES (1, 1)'])('is not repeated: %s', async (sql) => {
    let tries = 0;
    const work = transaction(test.database, async (tx) => {
      tries++;
      await tx.$executeRawUnsafe(sql);
    });
    await expect(work).rejects.toThrow();
    expect(tries).toBe(1);
  });

  it('is repeated for the errors that its caller names: the second of two inserts of the same row', async () => {
    let tries = 0;
    const work = transaction(
      test.database,
      async (tx) => {
        tries++;
        await tx.$executeRawUnsafe('INSERT INTO counter VALUES ($1, 7)', tries);
      },
      { alsoOn: ['23505'] },
    );
    await work;
    expect(tries).toBe(3);
  });
});

describe('the SQLSTATE of an error', () => {
  it.each([
    [{ code: '40P01' }, '40P01'],
    [{ code: 'P2034' }, '40001'],
    [{ code: 'P2010', meta: { driverAdapterError: { cause: { originalCode: '40P01' } } } }, '40P01'],
    [
      { code: 'P2010', meta: { driverAdapterError: { cause: { kind: 'TransactionWriteConflict' } } } },
      '40001',
    ],
    [{ code: 'P2002' }, '23505'],
    [new Error('40001'), null],
    ['40001', null],
  ])('%j is %s', (error, state) => {
    expect(sqlStateOf(error)).toBe(state);
  });
});

describe('a call to another system', () => {
  const call = () => refuseInsideTransaction('A call');

  it.each([
    ['of Prisma', (work: () => Promise<void>) => transaction(test.database, work)],
    [
      'of a connection',
      (work: () => Promise<void>) => inTransaction(test.database.pool, 'read-committed', work),
    ],
    [
      'that reads a snapshot',
      (work: () => Promise<void>) => inTransaction(test.database.pool, 'snapshot', work),
    ],
  ])('is rejected inside a transaction %s, at any depth, and rolls it back', async (_name, begin) => {
    const work = async (): Promise<void> => {
      await Promise.resolve();
      await new Promise<void>((resolve) => setImmediate(resolve)).then(call);
    };
    await expect(begin(work)).rejects.toThrow(CallInsideTransaction);
  });

  it('works before and after a transaction, and beside an open one', async () => {
    const open = Promise.withResolvers<void>();
    const beside = transaction(test.database, () => open.promise);
    expect(call).not.toThrow();
    open.resolve();
    await beside;
    expect(call).not.toThrow();
  });
});
