import { ApiCalls, Identities, TenantBoxApp } from '@foyer/persistence';
import { createTestDatabase, type TestDatabase } from '@foyer/persistence/testing';
import { FakeBox } from '@foyer/provisioning/testing';
import type { ProvisioningBatch } from '@foyer/shared';
import {
  batchFailurePages,
  followBatch,
  forecastImport,
  importPeople,
  type Imported,
  type PeopleFile,
} from './index.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const operator = 'operator:ada@example.com';
const going = new AbortController().signal;
const boxApp = { clientId: 'app', enterpriseId: '900100' };
const times = { pollMs: 1, stillMs: 0 };

async function* stream(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}
const fileOf = (chunks: AsyncIterable<Uint8Array>): PeopleFile => ({
  ...{ chunks, format: 'jsonl', issuer: 'https://example.okta.com' },
});
const person = (at: number) => ({
  subject: `00u${at}`,
  username: `p${at}@example.com`,
  name: `Person ${at}`,
});
const linesOf = (...numbers: number[]) => numbers.map((at) => `${JSON.stringify(person(at))}\n`).join('');

async function tenant() {
  const sources = { database: test.database, tenantId: await test.tenant() };
  const recorded = async () =>
    (await new ApiCalls(sources.database, sources.tenantId).list({ limit: 10 })).items.filter(
      ({ path }) => path === 'import',
    );
  const finish = (status: 'succeeded' | 'failed') =>
    test.database.pool.query(
      `UPDATE provisioning_request SET status = $2, due_at = NULL, finished_at = clock_timestamp(),
         outcome = CASE WHEN $2 = 'succeeded' THEN 'created' END,
         error_code = CASE WHEN $2 = 'failed' THEN 'box_forbidden' END
       WHERE tenant_id = $1 AND finished_at IS NULL`,
      [sources.tenantId, status],
    );
  const take = (text: string, stopping = going) =>
    importPeople(sources, fileOf(stream(text)), { operator, stopping, onAccepted: () => undefined });
  return { sources, recorded, finish, take };
}

function batchOf(imported: Imported): ProvisioningBatch {
  if (imported.kind !== 'received') throw new Error(imported.kind);
  return imported.batch;
}

describe('an import', () => {
  it('stores the people, refuses the bad lines, and records who did it', async () => {
    const { sources, recorded } = await tenant();
    const accepted: number[] = [];
    const text = `${linesOf(1)}{"subject":\n${linesOf(2)}`;
    const batch = batchOf(
      await importPeople(sources, fileOf(stream(text.slice(0, 30), text.slice(30))), {
        ...{ operator, stopping: going },
        onAccepted: (lines) => void accepted.push(lines),
      }),
    );
    expect(batch).toMatchObject({ counts: { lines: 3, refused: 1, waiting: 2 }, stopped: null });
    expect(accepted).toEqual([3]);
    expect(await recorded()).toMatchObject([
      {
        ...{ operation: 'create_provisioning_batch', actor: operator, result: 'ok' },
        ...{ parameters: { batchId: batch.id, format: 'jsonl' }, answer: { lines: 3, refused: 1 } },
      },
    ]);
    const { rows } = await test.database.pool.query('SELECT actor FROM provisioning_batch WHERE id = $1', [
      batch.id,
    ]);
    expect(rows).toEqual([{ actor: operator }]);
  });

  it.each([
    ['nothing', '', { field: 'file', why: 'has no person' }],
    ['half a line', '{"subject"', { field: 'file', why: expect.stringContaining('ended before') as string }],
  ])('of %s is refused, and leaves no batch and no record', async (_what, text, why) => {
    const { sources, recorded, take } = await tenant();
    expect(await take(text)).toEqual({ kind: 'unusable', ...why });
    expect(await recorded()).toEqual([]);
    const { rows } = await test.database.pool.query('SELECT FROM provisioning_batch WHERE tenant_id = $1', [
      sources.tenantId,
    ]);
    expect(rows).toEqual([]);
  });

  it('keeps the lines before a stop, says where it stopped, and ends its record', async () => {
    const { sources, recorded } = await tenant();
    const stopping = new AbortController();
    async function* endless() {
      yield Buffer.from(linesOf(1));
      stopping.abort();
      await new Promise(() => undefined);
    }
    const options = { operator, stopping: stopping.signal, onAccepted: () => undefined };
    const batch = batchOf(await importPeople(sources, fileOf(endless()), options));
    expect(batch).toMatchObject({ counts: { lines: 1 }, stopped: { line: 2 } });
    expect(await recorded()).toMatchObject([{ actor: operator, answer: { lines: 1, stopped: { line: 2 } } }]);
  });
});

describe('following a batch', () => {
  it('ends when all its requests are final, and pages what failed', async () => {
    const { sources, finish, take } = await tenant();
    const { id } = batchOf(await take(`${linesOf(1)}{\n${linesOf(2)}`));
    const waiting: number[] = [];
    const followed = await followBatch(sources, id, {
      ...{ stopping: going, times, onStill: () => void finish('failed') },
      onProgress: ({ counts }) => void waiting.push(counts.waiting),
    });
    expect(followed).toMatchObject({ kind: 'final', batch: { counts: { refused: 1, failed: 2 } } });
    expect([waiting[0], waiting.at(-1)]).toEqual([2, 0]);
    const failures = [];
    for await (const page of batchFailurePages(sources, id)) failures.push(...page);
    expect(failures).toMatchObject([
      { line: 1, subject: '00u1', code: 'box_forbidden' },
      { line: 2, code: 'invalid_request' },
      { line: 3, subject: '00u2', code: 'box_forbidden' },
    ]);
  });

  it('reports a standstill once', async () => {
    const { sources, finish, take } = await tenant();
    const { id } = batchOf(await take(linesOf(1)));
    let [reads, stills] = [0, 0];
    await followBatch(sources, id, {
      ...{ stopping: going, times, onStill: () => void (stills += 1) },
      onProgress: () => {
        if (++reads === 5) void finish('succeeded');
      },
    });
    expect([reads > 5, stills]).toEqual([true, 1]);
  });

  it('can be stopped while the batch goes on', async () => {
    const { sources, take } = await tenant();
    const { id } = batchOf(await take(linesOf(1)));
    const options = { stopping: AbortSignal.abort(), onProgress: () => undefined, onStill: () => undefined };
    expect(await followBatch(sources, id, options)).toMatchObject({ kind: 'stopped', batch: { id } });
  });

  it('is not final while the file is read, although no request is open', async () => {
    const { sources, finish, take } = await tenant();
    const { id } = batchOf(await take(linesOf(1)));
    await finish('succeeded');
    await test.database.pool.query(
      'UPDATE provisioning_batch SET received_at = NULL, settled = NULL, heartbeat_at = clock_timestamp() WHERE id = $1',
      [id],
    );
    const options = { stopping: AbortSignal.abort(), onProgress: () => undefined, onStill: () => undefined };
    expect(await followBatch(sources, id, options)).toMatchObject({ kind: 'stopped' });
  });

  it('finds no batch of another tenant', async () => {
    const { take } = await tenant();
    const { id } = batchOf(await take(linesOf(1)));
    const { sources } = await tenant();
    const options = { stopping: going, onProgress: () => undefined, onStill: () => undefined };
    expect(await followBatch(sources, id, options)).toEqual({ kind: 'not-found' });
    for await (const page of batchFailurePages(sources, id)) expect(page).toEqual([]);
  });
});

describe('a forecast', () => {
  async function forecasting(box = new FakeBox(), bound = boxApp) {
    const { sources, recorded } = await tenant();
    await new TenantBoxApp(sources.database, sources.tenantId, bound).bind();
    const own = new TenantBoxApp(sources.database, sources.tenantId, boxApp);
    const foretell = (text: string, stopping = going) =>
      forecastImport({ ...sources, box, boxApp: own }, fileOf(stream(text)), {
        ...{ stopping, onProgress: () => undefined },
      });
    return { sources, recorded, foretell };
  }

  it('says for each line what importing it would do, and does nothing', async () => {
    const { sources, recorded, foretell } = await forecasting();
    expect(await foretell(`${linesOf(1)}{\n${linesOf(1)}`)).toMatchObject({
      kind: 'forecast',
      forecast: {
        lines: [{ would: 'created' }, { would: 'refused' }, { would: 'refused' }],
        counts: { lines: 3, created: 1, refused: 2 },
      },
    });
    expect((await new Identities(sources.database, sources.tenantId).list({ limit: 10 })).items).toEqual([]);
    expect(await recorded()).toEqual([]);
  });

  it('is refused while the work of the tenant is held', async () => {
    const { foretell } = await forecasting(new FakeBox(), { ...boxApp, clientId: 'former' });
    expect(await foretell(linesOf(1))).toEqual({
      kind: 'held',
      problem: expect.stringContaining('former in enterprise 900100') as string,
    });
  });

  it('names the fault of Box', async () => {
    const box = new FakeBox();
    box.meet('listUsers', { code: 'box_forbidden', detail: 'no', ambiguous: false });
    const { foretell } = await forecasting(box);
    expect(await foretell(linesOf(1))).toMatchObject({
      kind: 'box-failed',
      fault: { code: 'box_forbidden' },
    });
  });

  it('has no result when it is stopped, or when the file cannot be used', async () => {
    const { foretell } = await forecasting();
    expect(await foretell(linesOf(1), AbortSignal.abort())).toEqual({ kind: 'stopped' });
    expect(await foretell('\n')).toEqual({ kind: 'unusable', field: 'file', why: 'has no person' });
  });
});
