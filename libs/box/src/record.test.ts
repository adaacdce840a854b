import { insideTransaction, type CallIntent, type CallOutcome } from '@foyer/provisioning';
import { leasedContext, MemoryCallLog } from '@foyer/provisioning/testing';
import { createBox, type Box, type BoxCallReport } from './index.ts';
import { auth, json, SECRET, ScriptedBox, user } from './scripted-box.harness.ts';

let server: ScriptedBox;
let log: MemoryCallLog;
let box: Box;
let reports: BoxCallReport[];
const context = leasedContext();

/** Records the order in which the log and the network are used. */
class WatchedLog extends MemoryCallLog {
  readonly order: string[] = [];

  override async intend(...given: Parameters<MemoryCallLog['intend']>): Promise<string> {
    const id = await super.intend(...given);
    this.order.push(`intend ${given[1].operation}, ${server.seen.length} sent`);
    return id;
  }

  override async conclude(callId: string, outcome: CallOutcome): Promise<void> {
    await super.conclude(callId, outcome);
    this.order.push(`conclude ${this.calls[Number(callId)]?.intent.operation}, ${server.seen.length} sent`);
  }
}

beforeEach(async () => {
  server = await ScriptedBox.start();
  log = new MemoryCallLog();
  reports = [];
  box = createBox({ auth, baseUrl: server.url, log, onCall: (call) => reports.push(call) });
});
afterEach(async () => {
  await box.close();
  await server.close();
});

const create = () => box.createUser(context, { externalId: 'sub-1', name: 'Ada Example' });

it('writes each intent before the request and each outcome after it, the token before the create', async () => {
  const watched = new WatchedLog();
  const watchedBox = createBox({ auth, baseUrl: server.url, log: watched });
  server.api(json(201, user));
  await watchedBox.createUser(context, { externalId: 'sub-1', name: 'Ada' });
  expect(watched.order).toEqual([
    'intend token, 0 sent',
    'conclude token, 1 sent',
    'intend create_user, 1 sent',
    'conclude create_user, 2 sent',
  ]);
  await watchedBox.close();
});

it('sends and records nothing inside a database transaction: such a call is a programming error', async () => {
  await expect(insideTransaction(create)).rejects.toMatchObject({ name: 'CallInsideTransaction' });
  expect([server.seen.length, log.calls.length]).toEqual([0, 0]);
});

it('sends nothing when the intent cannot be written', async () => {
  server.api(json(200, { entries: [] }));
  await box.findUser(context, 'sub-1');
  log.loseLease(context.lease);
  await expect(create()).rejects.toMatchObject({ name: 'LeaseLost' });
  expect(server.apiRequests).toHaveLength(1);
});

it('sends nothing when writing the intent took longer than a call may, because the lease may have expired', async () => {
  const timeoutMs = 50;
  class HeldLog extends MemoryCallLog {
    override async intend(...given: Parameters<MemoryCallLog['intend']>): Promise<string> {
      const begun = performance.now();
      const id = await super.intend(...given);
      const isOver = () => performance.now() - begun > timeoutMs;
      while (given[1].operation === 'create_user' && !isOver()) await new Promise(setImmediate);
      return id;
    }
  }
  const heldLog = new HeldLog();
  const heldBox = createBox({ auth, baseUrl: server.url, log: heldLog, timeoutMs });
  const result = await heldBox.createUser(context, { externalId: 'sub-1', name: 'Ada' });
  expect(result).toMatchObject({ ok: false, fault: { code: 'box_unavailable', ambiguous: false } });
  expect(server.apiRequests).toHaveLength(0);
  expect(heldLog.of('create_user')[0]?.outcome).toMatchObject({ result: 'failed', status: null });
  await heldBox.close();
});

it('records the parameters and the result briefly', async () => {
  server.api(
    json(201, { ...user, job_title: 'x', enterprise: { id: '77' } }, { 'box-request-id': 'req-1' }),
    json(409, {
      code: 'conflict',
      message: 'An app user already exists for this external_app_user_id',
      context_info: { conflicts: [{ id: '4711' }] },
      request_id: 'req-2',
    }),
    json(200, { entries: [{ type: 'file', id: '1', name: 'diary.txt' }], next_marker: 'm' }),
  );
  await create();
  await create();
  await box.listFolder(context, { boxUserId: '4711', folderId: '0', limit: 1 });
  const [first, second] = log.of('create_user');
  const intent: CallIntent = {
    direction: 'out',
    system: 'box',
    operation: 'create_user',
    method: 'POST',
    path: '/2.0/users',
    actor: null,
    parameters: { externalId: 'sub-1', name: 'Ada Example' },
  };
  expect(first?.intent).toEqual(intent);
  const { id, name, login, status } = user;
  expect(first?.outcome?.answer).toEqual({
    id,
    name,
    login,
    status,
    externalId: 'sub-1',
    requestId: 'req-1',
  });
  expect(second?.outcome).toMatchObject({
    error: 'conflict',
    answer: { code: 'conflict', conflictId: '4711', requestId: 'req-2' },
  });
  const [listing] = log.of('list_folder');
  expect(listing?.intent).toMatchObject({ actor: 'box:4711', path: '/2.0/folders/0/items' });
  expect(JSON.stringify([listing?.intent, listing?.outcome])).not.toContain('diary');
});

it('keeps secrets out of the log and of faults, even when Box repeats them', async () => {
  const assertion = 'eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJhcHAifQ.c2lnbmF0dXJl';
  server.token(json(400, { error: 'invalid_client', error_description: `no ${SECRET} or ${assertion}` }));
  const refused = await create();
  const echo = `token-1 ${SECRET} Bearer token-1 ${assertion}`;
  server.api(
    json(400, { code: SECRET, message: echo, context_info: { errors: [{ name: 'x', message: echo }] } }),
    json(201, { ...user, name: echo, authorization: 'Bearer token-1' }, { 'box-request-id': 'token-1' }),
    json(503, { message: echo, request_id: SECRET }),
  );
  const results = [refused, await create(), await create(), await create()];
  const faults = results.map((result) => (result.ok ? null : result.fault));
  const written = JSON.stringify([log.calls.map(({ intent, outcome }) => ({ intent, outcome })), faults]);
  for (const secret of [SECRET, 'token-1', 'eyJ', 'client_secret']) expect(written).not.toContain(secret);
  expect(written).toContain('[redacted]');
});

it('keeps markup, control characters and long texts out of details', async () => {
  server.api(json(400, { code: 'bad_request', message: `<b>no</b>\n\u0000${'x'.repeat(5000)}` }));
  const result = await create();
  const detail = result.ok ? '' : result.fault.detail;
  expect(detail).not.toMatch(/[<>\p{Cc}]/u);
  expect(detail.length).toBeLessThanOrEqual(300);
  expect(log.of('create_user')[0]?.outcome?.error?.length).toBeLessThan(350);
});

it('reports every HTTP request, including the one for the token', async () => {
  server.api(json(201, user), (response) => response.socket?.resetAndDestroy());
  await create();
  await create();
  expect(reports).toEqual([
    { operation: 'token', status: 200, result: 'ok', durationMs: expect.any(Number) as number },
    { operation: 'create_user', status: 201, result: 'ok', durationMs: expect.any(Number) as number },
    { operation: 'create_user', status: null, result: 'ambiguous', durationMs: expect.any(Number) as number },
  ]);
});
