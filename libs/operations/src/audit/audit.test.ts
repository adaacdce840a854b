import { ApiCalls, PrismaCallLog } from '@foyer/persistence';
import {
  createTestDatabase,
  sealAll,
  writeCalls,
  writeMonth,
  type TestDatabase,
} from '@foyer/persistence/testing';
import {
  exportAudit,
  headsIn,
  headText,
  planAuditPruning,
  pruneAudit,
  readAuditHead,
  toHead,
  verifyAudit,
  verifyAuditExport,
  type NotedHead,
} from './index.ts';

let test: TestDatabase;
let lines: readonly string[];
beforeAll(async () => {
  test = await createTestDatabase();
  lines = await exported(await sealedTenant());
});
afterAll(() => test.drop());

const tenant = 'acme';
const everything = { from: null, to: null };
const going = new AbortController().signal;
const stopped = AbortSignal.abort();
const unseen = () => undefined;

/** A tenant with three blocks of four rows each. */
async function sealedTenant() {
  const sources = { database: test.database, tenantId: await test.tenant() };
  const log = new PrismaCallLog(test.database, sources.tenantId, 0);
  for (let block = 0; block < 3; block++) {
    for (const at of [0, 1])
      await log.record(
        { requestId: null, identityId: null, lease: null },
        {
          ...{ direction: 'out', system: 'box', operation: 'find_user', method: 'GET', path: '/2.0/users' },
          ...{
            actor: null,
            parameters: { at, name: 'Zoë "Ada" \u2028 Example', big: '12345678901234567890' },
          },
        },
        { result: 'ok', status: 200, error: null, answer: null, durationMs: 0.1 + at },
      );
    await sealAll(test.database, sources.tenantId);
  }
  return sources;
}
type Sources = Awaited<ReturnType<typeof sealedTenant>>;

async function exported(sources: Sources, months: { from: string | null; to: string | null } = everything) {
  const written: string[] = [];
  const options = { tenant, months, stopping: going, onProgress: unseen };
  await exportAudit(sources, options, async (all) => {
    for await (const line of all) written.push(line);
  });
  return written;
}

async function* bytes(texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(`${text}\n`);
}

const verifyLines = (some: readonly string[], heads: readonly NotedHead[] = []) =>
  verifyAuditExport(bytes(some), { heads, stopping: going });

async function findingsIn(some: readonly string[], heads: readonly NotedHead[] = []) {
  const result = await verifyLines(some, heads);
  if (result.kind !== 'verified') throw new Error(result.kind);
  return result.verdict.first;
}

describe('verifying the database', () => {
  it('finds nothing in an intact log, and counts what is not sealed yet', async () => {
    const sources = await sealedTenant();
    await writeCalls(test.database, sources.tenantId, 1);
    const seen: [number, number][] = [];
    const onProgress = (rows: number, total: number) => void seen.push([rows, total]);
    const result = await verifyAudit(sources, tenant, { heads: [], stopping: going, onProgress });
    expect(result).toMatchObject({
      kind: 'verified',
      verdict: { tenant, blocks: 3, rows: 12, findings: 0, unsealed: 2 },
    });
    expect(seen.at(-1)).toEqual([12, 12]);
  });

  it('compares with the heads of this tenant only', async () => {
    const sources = await sealedTenant();
    const rewritten = { seq: 2, hash: '0'.repeat(64) };
    const verify = (head: NotedHead) =>
      verifyAudit(sources, tenant, { heads: [head], stopping: going, onProgress: unseen });
    expect(await verify({ ...rewritten, tenant: 'another' })).toMatchObject({ verdict: { findings: 0 } });
    expect(await verify({ ...rewritten, tenant })).toMatchObject({
      verdict: { first: [{ what: 'head-differs', block: 2 }] },
    });
    expect(await verify((await readAuditHead(sources))!)).toMatchObject({ verdict: { findings: 0 } });
  });

  it('can be stopped', async () => {
    const options = { heads: [], stopping: stopped, onProgress: unseen };
    expect(await verifyAudit(await sealedTenant(), tenant, options)).toEqual({ kind: 'stopped' });
  });
});

describe('an export', () => {
  it('is verified without the database, and ends with the head', async () => {
    const result = await verifyLines(lines);
    expect(result).toMatchObject({
      kind: 'verified',
      verdict: { tenant, rows: 12, findings: 0, unsealed: 0 },
    });
    const { end } = JSON.parse(lines.at(-1)!) as { end: { seq: number; hash: string } };
    expect(end).toMatchObject({ seq: 3, rows: 12 });
    expect(await findingsIn(lines, [end])).toEqual([]);
    expect(await findingsIn(lines, [{ ...end, seq: 4 }])).toMatchObject([{ what: 'head-missing' }]);
  });

  it('has the rows of the months asked for, and the chain of all', async () => {
    const some = await exported(await sealedTenant(), { from: null, to: '2001-01' });
    expect(some).toHaveLength(1 + 3 + 1);
    expect(await verifyLines(some)).toMatchObject({ verdict: { blocks: 3, rows: 0, findings: 0 } });
  });

  it('fails to be written when it is stopped, so that nobody takes it for complete', async () => {
    const options = { tenant, months: everything, stopping: stopped, onProgress: unseen };
    let isFailed = false;
    const result = await exportAudit(await sealedTenant(), options, async (all) => {
      try {
        for await (const line of all) expect(line).toContain('audit-export');
      } catch (error) {
        isFailed = true;
        throw error;
      }
    });
    expect([result, isFailed]).toEqual([{ kind: 'stopped' }, true]);
  });

  it('stops being verified when the caller stops', async () => {
    const result = await verifyAuditExport(bytes(lines), { heads: [], stopping: stopped });
    expect(result).toEqual({ kind: 'stopped' });
  });

  const without = (lines: string[], at: number) => lines.filter((_line, index) => index !== at);
  const changed = (lines: string[], at: number, from: string | RegExp, to: string) =>
    lines.map((line, index) => (index === at ? line.replace(from, to) : line));
  const swapped = (lines: string[], a: number, b: number) =>
    lines.map((line, index) => (index === a ? lines[b]! : index === b ? lines[a]! : line));

  // Line 0 describes the export, line 1 the first block, lines 2 to 5 its rows, line 6 the second block, line 11 the
  // third, and line 16 is the end.
  it.each<[string, (lines: string[]) => string[], string]>([
    ['a row changed', (lines) => changed(lines, 2, '/2.0/users', '/2.0/userz'), 'row-changed'],
    ['a digest changed', (lines) => changed(lines, 9, /[0-9a-f]{64}/, 'a'.repeat(64)), 'row-changed'],
    ['a space added', (lines) => changed(lines, 2, '"row":{', '"row":{ '), 'row-changed'],
    ['a field added behind', (lines) => changed(lines, 2, /\}$/, ',"more":1}'), 'row-changed'],
    ['a name given twice', (lines) => changed(lines, 2, '"id":', '"id":"77","id":'), 'row-changed'],
    ['a row removed', (lines) => without(lines, 3), 'row-removed'],
    ['the last row removed', (lines) => without(lines, 15), 'row-removed'],
    [
      'a row called gone',
      (lines) => changed(lines, 2, /"row":[^]*$/, `"gone":{"kind":"call","id":"${idOf(lines[2]!)}"}}`),
      'row-removed',
    ],
    ['a row twice', (lines) => lines.toSpliced(3, 0, lines[2]!), 'rows-moved'],
    ['a row of another block', (lines) => lines.toSpliced(3, 0, lines[12]!), 'rows-moved'],
    ['two rows exchanged', (lines) => swapped(lines, 2, 3), 'rows-moved'],
    ['a line that is not JSON', (lines) => lines.with(4, '{"digest":'), 'row-changed'],
    ['a hostile line', (lines) => lines.with(4, '[[[[["__proto__"]]]]]'), 'row-changed'],
    [
      'a number beyond all',
      (lines) => changed(lines, 2, /"id":"\d+"/, '"id":"9223372036854775808"'),
      'row-changed',
    ],
    ['an empty line', (lines) => lines.toSpliced(4, 0, ''), 'row-changed'],
    ['a block removed', (lines) => lines.toSpliced(6, 5), 'block-removed'],
    [
      'a block moved',
      (lines) => [...lines.slice(0, 1), ...lines.slice(6, 11), ...lines.slice(1, 6), ...lines.slice(11)],
      'block-removed',
    ],
    ['a block changed', (lines) => changed(lines, 6, '"count":4', '"count":5'), 'block-changed'],
    [
      'a block said to be pruned',
      (lines) => changed(changed(lines, 6, '"follow"', '"pruned"'), 6, 'null', '"now"').toSpliced(7, 3),
      'rows-differ',
    ],
    [
      'a block left out without reason',
      (lines) => changed(lines, 6, '"follow"', '"left-out"').toSpliced(7, 4),
      'rows-differ',
    ],
    ['cut off between two lines', (lines) => lines.slice(0, 8), 'cut-off'],
    ['cut off before the last line', (lines) => lines.slice(0, 16), 'cut-off'],
    [
      'cut off in the middle of a line',
      (lines) => [...lines.slice(0, 12), lines[12]!.slice(0, 100)],
      'row-changed',
    ],
    ['more behind the end', (lines) => [...lines, lines[2]!], 'rows-moved'],
    ['another end', (lines) => changed(lines, 16, '"rows":12', '"rows":13'), 'cut-off'],
  ])('detects %s', async (_what, tamper, what) => {
    expect((await findingsIn(tamper([...lines])))[0]).toMatchObject({ what });
  });

  it.each([
    ['nothing', []],
    ['an empty line', ['']],
    ['text', ['hello']],
    ['a page of the API', ['{"items":[],"nextCursor":null}']],
    ['another version', ['{"foyer":"audit-export","version":2}']],
    ['a line without end', ['x'.repeat(17 * 1024 * 1024)]],
  ])('is not: %s', async (_what, some) => {
    expect(await verifyLines(some)).toEqual({
      kind: 'not-an-export',
      why: expect.stringMatching(/^The file is (empty|not an export of the audit log)/) as string,
    });
  });
});

describe('the head', () => {
  it('is null before the first block', async () => {
    expect(await readAuditHead({ database: test.database, tenantId: await test.tenant() })).toBeNull();
  });

  it('is found in a log, with its tenant, whatever stands before it', async () => {
    const hash = 'a'.repeat(64);
    const log = [
      '{"event":"relayed"}',
      `foyer | ${JSON.stringify({ event: 'audit-sealed', tenant, head: `2:${hash}` })}`,
      JSON.stringify({ event: 'another', head: `3:${hash}` }),
      `4:${hash}`,
      '{"head":',
    ];
    expect(await headsIn(bytes(log))).toEqual([
      { seq: 2, hash, tenant },
      { seq: 4, hash },
    ]);
  });

  it.each(['', '1', `0:${'a'.repeat(64)}`, `1:${'A'.repeat(64)}`, `1:${'a'.repeat(63)}`])(
    'is not %j',
    (text) => {
      expect(toHead(text)).toBeNull();
    },
  );

  it('is the same after it was written as text', () => {
    const head = { seq: 3, hash: 'b'.repeat(64) };
    expect(toHead(headText(head))).toEqual(head);
  });
});

describe('pruning', () => {
  const calls = async ({ database, tenantId }: Sources) =>
    (await new ApiCalls(database, tenantId).list({ limit: 10 })).items.filter(
      ({ operation }) => operation === 'prune_audit_log',
    );
  async function oldTenant() {
    const sources = { database: test.database, tenantId: await test.tenant() };
    await writeMonth(test, sources.tenantId, '2026-01', 3);
    return sources;
  }

  it('plans without a change, removes what it planned, and records who did it', async () => {
    const sources = await oldTenant();
    const plan = await planAuditPruning(sources, 1);
    expect(plan).toMatchObject({ months: [{ month: '2026-01', blocks: 1, rows: 6 }], blocks: 1 });
    expect(await calls(sources)).toEqual([]);
    const seen: number[] = [];
    const options = {
      operator: 'operator:ada',
      stopping: going,
      onProgress: (n: number) => void seen.push(n),
    };
    expect(await pruneAudit(sources, plan, options)).toMatchObject({
      ...{ removed: 6, end: 'finished', problem: null },
      kept: { 'open-request': 0, 'unsettled-create': 0, outcome: 0, pruning: 0 },
    });
    expect(seen).toEqual([1]);
    expect(await calls(sources)).toMatchObject([
      { actor: 'operator:ada', path: 'audit prune', result: 'ok' },
    ]);
    expect(await planAuditPruning(sources, 1)).toMatchObject({ months: [], blocks: 0 });
  });

  it('removes nothing when it is stopped before', async () => {
    const sources = await oldTenant();
    const plan = await planAuditPruning(sources, 1);
    const options = { operator: 'operator:ada', stopping: stopped, onProgress: unseen };
    expect(await pruneAudit(sources, plan, options)).toMatchObject({ removed: 0, end: 'stopped' });
    expect(await planAuditPruning(sources, 1)).toEqual(plan);
  });

  it('says why a run was held up, and records that it removed nothing', async () => {
    const sources = await oldTenant();
    const plan = await planAuditPruning(sources, 1);
    const busy = await test.database.connect();
    await busy.query('BEGIN; SELECT pg_current_xact_id()');
    const options = { operator: 'operator:ada', stopping: going, onProgress: unseen, sealWithinMs: 1 };
    const done = await pruneAudit(sources, plan, options);
    await busy.query('ROLLBACK');
    await busy.end();
    expect(done).toMatchObject({
      ...{ removed: 0, end: 'held-up' },
      problem: expect.stringContaining('was not sealed within') as string,
    });
    expect(await calls(sources)).toMatchObject([
      { actor: 'operator:ada', result: 'failed', error: 'held_up' },
    ]);
  });

  it.each([0, -1, 1.5, NaN, 10_000])('refuses to keep %d months', async (keep) => {
    await expect(planAuditPruning(await oldTenant(), keep)).rejects.toThrow(RangeError);
  });
});

const idOf = (line: string): string => (JSON.parse(line) as { row: { id: string } }).row.id;
