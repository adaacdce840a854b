import type { BatchChunk } from '@foyer/provisioning';
import { receiveBatch, type CallIntent } from '@foyer/provisioning';
import type { BatchEntry, Person, ProvisioningBatchStatus } from '@foyer/shared';
import { createTestDatabase, samplePerson, type TestDatabase } from '../database/database.harness.ts';
import { PrismaConvergenceStore } from '../convergence/convergence-store.ts';
import { Intake } from '../identities/intake.ts';
import { RelayStore } from '../requests/relay-store.ts';
import { BatchIntake } from './batch-intake.ts';
import { Batches } from './batches.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const chunkOf = (people: readonly Person[], refused: BatchChunk['refused'] = [], from = 1): BatchChunk => ({
  people: people.map((person, at) => ({ line: from + at, person })),
  refused,
});
const call = (batchId: string): CallIntent => ({
  ...{ direction: 'in', system: 'foyer', operation: 'create_provisioning_batch', method: 'POST', path: '/' },
  ...{ actor: 'client', parameters: { batchId } },
});
const crowd = (size: number, name = 'Ada Example') =>
  Array.from({ length: size }, (_, at) =>
    samplePerson({ subject: `00u${String(at).padStart(6, '0')}`, name }),
  );

async function parts() {
  const { database } = test;
  const tenantId = await test.tenant();
  const store = new PrismaConvergenceStore(database, tenantId, { leaseMs: 30_000, relayGraceMs: 5_000 });
  const intake = new BatchIntake(database, tenantId);
  const batches = new Batches(database, tenantId);
  const sql = async <Row>(text: string, values: unknown[] = []) =>
    (await database.pool.query(text, [tenantId, ...values])).rows as Row[];
  const begin = async (key: string | null = null) => {
    const begun = await intake.begin({ actor: 'client', format: 'jsonl', key, call });
    if (begun.kind !== 'begun') throw new Error(begun.kind);
    return begun.id;
  };
  const end = (id: string) => intake.end(id, { bodyHash: 'hash', stopped: null });
  const requests = () =>
    sql<{ id: string; subject: string; priority: number; cause: string; generation: number }>(
      `SELECT r.id, i.subject, r.priority, r.cause, r.generation FROM provisioning_request r
       JOIN identity i ON i.id = r.identity_id WHERE r.tenant_id = $1 ORDER BY i.subject, r.generation`,
    );
  let boxUser = 0;
  /** Processes a request as a worker does. */
  const work = async (requestId: string, fails = false) => {
    const result = await store.take(requestId);
    if (result.kind !== 'taken') throw new Error(result.kind);
    const { lease, desired } = result.taken;
    if (fails) return store.fail(lease, { code: 'box_forbidden', detail: 'Box says no.' });
    const boxUserId = result.taken.account?.boxUserId ?? `${(boxUser += 1)}`;
    const account = {
      boxUserId,
      name: desired.name,
      status: 'active',
      appliedGeneration: desired.generation,
    } as const;
    const outcome = result.taken.account ? 'updated' : 'created';
    await store.saveAccount(lease, account, outcome);
    await store.succeed(lease, outcome);
  };
  const status = async (id: string, query = { limit: 50 }) =>
    (await batches.find(id, query)) as ProvisioningBatchStatus;
  return { tenantId, intake, batches, sql, begin, end, requests, work, status };
}

describe('a batch', () => {
  it('creates one identity and one request for each person, with low priority, for the relay to enqueue', async () => {
    const { tenantId, intake, begin, requests, status } = await parts();
    const id = await begin();
    await intake.take(id, chunkOf(crowd(3)));
    expect(await requests()).toMatchObject(
      crowd(3).map(({ subject }) => ({ subject, cause: 'batch', priority: 20, generation: 1 })),
    );
    const due = await new RelayStore(test.database, tenantId, 5_000).due('background', 10);
    expect(due.map(({ priority }) => priority)).toEqual([20, 20, 20]);
    expect(await status(id)).toMatchObject({
      state: 'receiving',
      counts: { lines: 3, waiting: 3, refused: 0, created: 0 },
      ratePerSecond: null,
      expectedAt: null,
    });
  });

  it('creates no request for people who are unchanged and mapped, one for people who changed, none for deactivated people', async () => {
    const { intake, begin, end, requests, work, sql, status } = await parts();
    const before = await begin();
    await intake.take(before, chunkOf(crowd(4)));
    const [same, changed, off, waiting] = await requests();
    for (const { id } of [same!, changed!, off!]) await work(id);
    await sql(`UPDATE identity SET active = false WHERE tenant_id = $1 AND subject = $2`, [off!.subject]);
    const [a, b, c, d] = crowd(4);
    const id = await begin();
    await intake.take(id, chunkOf([a!, { ...b!, name: 'Ada Changed' }, { ...c!, name: 'Eve' }, d!]));
    await end(id);
    const now = await requests();
    expect(now.map(({ subject, generation }) => [subject, generation])).toEqual([
      [a!.subject, 1],
      [b!.subject, 1],
      [b!.subject, 2],
      [c!.subject, 1],
      [d!.subject, 1],
    ]);
    expect(
      await sql(`SELECT name, active FROM identity WHERE tenant_id = $1 AND subject = $2`, [off!.subject]),
    ).toEqual([{ name: c!.name, active: false }]);
    expect(await status(id)).toMatchObject({
      state: 'working',
      counts: { lines: 4, unchanged: 1, waiting: 2, refused: 1, failed: 0 },
      failures: {
        items: [{ line: 3, subject: c!.subject, code: 'identity_deactivated', errors: [], requestId: null }],
      },
    });
    await work(now[2]!.id);
    await work(waiting!.id);
    expect(await status(id)).toMatchObject({
      state: 'done',
      counts: { lines: 4, unchanged: 1, updated: 1, created: 1, refused: 1, waiting: 0 },
      finishedAt: expect.any(String) as string,
      ratePerSecond: expect.any(Number) as number,
    });
  });

  it('lists its failures page by page, in the order of the file', async () => {
    const { intake, begin, end, requests, work, status, batches } = await parts();
    const id = await begin();
    const errors = [{ field: 'name', message: 'is not known' }];
    const refused = [
      { line: 1, subject: null, errors },
      { line: 4, subject: '00u9', errors },
    ];
    await intake.take(id, chunkOf(crowd(2), refused, 2));
    await intake.take(id, { people: [], refused: [{ line: 9, subject: null, errors }] });
    await end(id);
    const [failing, good] = await requests();
    await work(failing!.id, true);
    await work(good!.id);
    const first = await status(id, { limit: 3 });
    expect(first).toMatchObject({ state: 'done', counts: { lines: 5, refused: 3, failed: 1, created: 1 } });
    expect(first.failures.items).toEqual([
      { line: 1, subject: null, code: 'invalid_request', detail: null, errors, requestId: null },
      {
        line: 2,
        subject: failing!.subject,
        code: 'box_forbidden',
        detail: 'Box says no.',
        errors: [],
        requestId: failing!.id,
      },
      { line: 4, subject: '00u9', code: 'invalid_request', detail: null, errors, requestId: null },
    ]);
    const rest = await batches.find(id, { limit: 3, cursor: first.failures.nextCursor! });
    expect(rest?.failures).toMatchObject({ items: [{ line: 9 }], nextCursor: null });
    await expect(batches.find(id, { limit: 3, cursor: 'x' })).rejects.toMatchObject({
      code: 'invalid_request',
    });
  });

  it('decides as the intake does about people whom SCIM manages, and about names that SCIM gave somebody else', async () => {
    const { tenantId, intake, begin } = await parts();
    const [managed, namesake] = [samplePerson(), samplePerson()];
    await new Intake(test.database, tenantId).admit(managed, 'api');
    await test.database.pool.query(
      `UPDATE identity SET scim = jsonb_build_object('userName', username), username = 'countess@example.com'
       WHERE tenant_id = $1`,
      [tenantId],
    );
    const claimed = { ...namesake, username: 'Countess@example.com' };
    await intake.take(await begin(), chunkOf([{ ...managed, name: 'Ada of the file' }, claimed]));
    const rows = await test.database.prisma.identity.findMany({
      where: { tenantId },
      select: { subject: true, name: true, generation: true, usernameSource: true },
    });
    expect(rows).toHaveLength(2);
    expect(rows).toContainEqual(
      expect.objectContaining({ subject: managed.subject, name: managed.name, generation: 1 }),
    );
    expect(rows).toContainEqual(
      expect.objectContaining({ subject: namesake.subject, usernameSource: 'claimed' }),
    );
  });

  it('has the same result as one batch when two with the same people arrive at once, in any order', async () => {
    const { intake, begin, requests, sql, status } = await parts();
    const people = crowd(600);
    const ids = await Promise.all([begin(), begin(), begin()]);
    await Promise.all(
      ids.map(async (id, at) => {
        const mine = at === 1 ? people.toReversed() : people;
        await intake.take(id, chunkOf(mine.slice(0, 300)));
        await intake.take(id, chunkOf(mine.slice(300), [], 301));
      }),
    );
    expect(await requests()).toHaveLength(600);
    expect(await sql('SELECT count(*)::int AS count FROM identity WHERE tenant_id = $1')).toEqual([
      { count: 600 },
    ]);
    for (const id of ids) expect((await status(id)).counts).toMatchObject({ lines: 600, waiting: 600 });
  });

  it('whose reader has stopped reports that and the line; its accepted lines are kept', async () => {
    const { intake, begin, sql, status } = await parts();
    const id = await begin('key');
    await intake.take(id, chunkOf(crowd(2)));
    await sql(
      `UPDATE provisioning_batch SET heartbeat_at = heartbeat_at - interval '31 seconds' WHERE tenant_id = $1`,
    );
    expect(await status(id)).toMatchObject({
      state: 'interrupted',
      counts: { waiting: 2 },
      stopped: { line: 3, why: expect.stringContaining('send the same file again') as string },
    });
    await intake.beat(id);
    expect(await status(id)).toMatchObject({ state: 'receiving', stopped: null });
  });

  it('of another tenant is not visible', async () => {
    const [mine, theirs] = [await parts(), await parts()];
    const id = await mine.begin();
    expect(await theirs.batches.find(id, { limit: 5 })).toBeNull();
    expect((await theirs.batches.list({ limit: 5 })).items).toEqual([]);
    await theirs.end(id);
    expect(await mine.status(id)).toMatchObject({ state: 'receiving' });
  });

  it('is in a list, newest first', async () => {
    const { begin, batches } = await parts();
    const ids = [await begin(), await begin(), await begin()];
    // Three rows of the same millisecond have no meaningful order.
    for (const [at, id] of ids.entries())
      await test.database.pool.query(
        `UPDATE provisioning_batch SET created_at = created_at + $2 * interval '1 second' WHERE id = $1`,
        [id, at],
      );
    const first = await batches.list({ limit: 2 });
    const second = await batches.list({ limit: 2, cursor: first.nextCursor! });
    expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(ids.toReversed());
    expect(second.nextCursor).toBeNull();
  });
});

describe('a key', () => {
  const entries = async function* (...of: BatchEntry[]) {
    yield* of;
  };
  const line: BatchEntry = { kind: 'person', line: 1, person: samplePerson({ subject: '00u1' }) };
  const send = (intake: BatchIntake, hash: string, ...of: BatchEntry[]) =>
    receiveBatch(
      entries(...of),
      intake,
      { actor: 'client', format: 'jsonl', key: 'key', call },
      { bodyHash: () => hash },
    );

  it('belongs to one body, and can be used again when that body was incomplete or its reader has stopped', async () => {
    const { intake, sql } = await parts();
    const cut = await send(intake, 'a', line, { kind: 'stopped', line: 2, why: 'cut' });
    const whole = await send(intake, 'a', line);
    if (cut.kind !== 'received' || whole.kind !== 'received') throw new Error('not received');
    expect(whole.batchId).not.toBe(cut.batchId);
    expect(await send(intake, 'a', line)).toEqual({ kind: 'earlier', batchId: whole.batchId, fits: true });
    expect(await send(intake, 'b', line)).toEqual({ kind: 'earlier', batchId: whole.batchId, fits: false });
    await sql(`UPDATE provisioning_batch SET received_at = NULL, body_hash = NULL WHERE tenant_id = $1`);
    expect(await send(intake, 'a', line)).toEqual({ kind: 'in-use' });
    await sql(
      `UPDATE provisioning_batch SET heartbeat_at = heartbeat_at - interval '31 seconds' WHERE tenant_id = $1`,
    );
    expect(await send(intake, 'a', line)).toMatchObject({ kind: 'received' });
  });

  it('is not used up by a file that is rejected', async () => {
    const { intake, batches } = await parts();
    expect(await send(intake, 'a', { kind: 'unusable', field: 'header', why: 'is missing' })).toMatchObject({
      kind: 'unusable',
    });
    expect(await send(intake, 'a', { kind: 'stopped', line: 1, why: 'cut' })).toMatchObject({
      kind: 'unusable',
    });
    expect(await send(intake, 'a')).toMatchObject({ kind: 'unusable' });
    expect((await batches.list({ limit: 5 })).items).toEqual([]);
  });
});

it('a person from a file who signs in is provisioned before the rest of the file', async () => {
  const { tenantId, intake, begin, requests } = await parts();
  const [person] = crowd(1);
  await intake.take(await begin(), chunkOf([person!]));
  const door = new Intake(test.database, tenantId);
  const id = (await requests())[0]!.id;
  expect(await door.admit(person!, 'sign-in')).toMatchObject({
    requestId: id,
    isNew: false,
    wasPromoted: true,
  });
  expect(await requests()).toMatchObject([{ id, priority: 1 }]);
  expect(await door.admit(person!, 'sign-in')).toMatchObject({
    requestId: id,
    isNew: false,
    wasPromoted: false,
  });
});
