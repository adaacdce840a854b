import type { CallRecord, RefusedRecord } from '@foyer/persistence';
import { statementsOf } from '@foyer/persistence/testing';
import { ScimTestClient } from '../scim/scim.harness.ts';
import { ReadRecords } from './read-records.ts';

const recordOf = (path: string): CallRecord => ({
  context: { requestId: null, identityId: null, lease: null },
  intent: {
    ...{ direction: 'in', system: 'foyer', operation: 'scim_read', method: 'GET', path },
    ...{ actor: null, parameters: {} },
  },
  outcome: { result: 'ok', status: 200, error: null, answer: null, durationMs: 1 },
});

/** Keeps the sets that were written; `accepts` decides about each. */
function paper(accepts: () => boolean = () => true, stopLimitMs?: number) {
  const sets: string[][] = [];
  const errors: unknown[] = [];
  const records = new ReadRecords(
    {
      async recordAll(set): Promise<readonly RefusedRecord[]> {
        if (!accepts()) throw new Error('The disk is full.');
        sets.push(set.map(({ intent }) => intent.path));
        return [];
      },
    },
    { error: (line: unknown) => void errors.push(line) },
    stopLimitMs,
  );
  const add = (from: number, count: number): boolean[] =>
    Array.from({ length: count }, (_, n) => records.add(recordOf(`/${from + n}`)));
  return { sets, errors, records, add };
}

const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await new Promise(setImmediate);
};
const paths = (count: number): string[] => Array.from({ length: count }, (_, n) => `/${n}`);

describe('the records of reads', () => {
  it('are written without being asked for, in their order, at most 200 at once', async () => {
    const { sets, records, add } = paper();
    add(0, 450);
    await until(() => sets.flat().length === 450);
    expect(sets.map(({ length }) => length)).toEqual([200, 200, 50]);
    expect(sets.flat()).toEqual(paths(450));
    await records.stop();
  });

  it('wait for a database that does not take them, as many as 5,000, and are visible', async () => {
    let isFull = true;
    const { sets, errors, records, add } = paper(() => !isFull);
    expect(add(0, 5_000).every(Boolean)).toBe(true);
    expect(add(5_000, 1)).toEqual([false]);
    await until(() => records.state().lastError !== null);
    expect(records.state()).toMatchObject({ lastError: 'The disk is full.' });
    expect(errors[0]).toMatchObject({ event: 'call-not-recorded', waiting: 5_000 });
    await expect(records.flush()).rejects.toThrow('The disk is full.');
    isFull = false;
    await until(() => sets.flat().length === 5_000);
    expect(sets.flat()).toEqual(paths(5_000));
    expect(records.state()).toEqual({ failingMs: 0, roundMs: 0, lastError: null });
    await records.stop();
  });

  it('are all written by a stop, which takes no further ones', async () => {
    let refusals = 2;
    const { sets, records, add } = paper(() => refusals-- <= 0);
    add(0, 250);
    await records.stop();
    expect(sets.flat()).toEqual(paths(250));
    expect(add(250, 1)).toEqual([false]);
  });

  it('that a stop could not write are counted in its error', async () => {
    const { records, add } = paper(() => false, 0);
    add(0, 3);
    await expect(records.stop()).rejects.toThrow('3 records of reads are lost.');
  });
});

describe('a gateway', () => {
  let scim: ScimTestClient;
  beforeAll(async () => {
    scim = await ScimTestClient.start();
  });
  afterAll(() => scim.stop());
  const recorded = async (): Promise<number> => {
    const [row] = await scim.house.api.database.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM api_call c JOIN api_call_outcome o ON o.call_id = c.id
       WHERE c.operation = 'scim_read' AND o.status IN (200, 404)`,
    );
    return row!.n;
  };

  it('answers reads while their records cannot be written, and writes these later', async () => {
    const { id } = (await scim.hire('ada')).body;
    const { database, context } = scim.house.api;
    await database.query(`CREATE FUNCTION refuse_record() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = 'disk_full'; END $$`);
    await database.query(
      'CREATE TRIGGER refused BEFORE INSERT ON api_call FOR EACH ROW EXECUTE FUNCTION refuse_record()',
    );
    expect((await scim.get(`/Users/${id}`)).status).toBe(200);
    expect((await scim.get('/Users/nobody')).status).toBe(404);
    const { readRecords } = context.tenant;
    await until(() => readRecords.state().lastError !== null);
    expect(await recorded()).toBe(0);
    await database.query('DROP TRIGGER refused ON api_call');
    while ((await recorded()) < 2) await new Promise(setImmediate);
    expect(await recorded()).toBe(2);
  });

  it('writes what it has collected when its tasks stop, and then each record by itself', async () => {
    const { context } = scim.house.api;
    const before = await recorded();
    await Promise.all(Array.from({ length: 30 }, () => scim.get('/Users/nobody')));
    await context.tasks.stop();
    expect(await recorded()).toBe(before + 30);
    const late = await statementsOf(context.database, () => scim.get('/Users/nobody'));
    expect(late.at(-1)!.name).toMatch(/^foyer-record-[0-9a-f]{12}$/);
    expect(await recorded()).toBe(before + 31);
  });
});
