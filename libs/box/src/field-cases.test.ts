import { generateKeyPairSync } from 'node:crypto';
import type { BoxNotice } from '@foyer/provisioning';
import { leasedContext, MemoryCallLog } from '@foyer/provisioning/testing';
import { createBox, type Box, type BoxAuth } from './index.ts';
import { auth, json, ScriptedBox, user } from './scripted-box.harness.ts';
import { BoxTwin } from '@foyer/testing';
import { readRetryAfter } from './wire.ts';

// Reports from the field of Box's behaviour towards clients, each with its source.

const passphrase = 'open sesame';
const keys = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase },
});
const jwt = (clientId: string, clientSecret: string): BoxAuth => ({
  kind: 'jwt',
  configJson: JSON.stringify({
    boxAppSettings: {
      ...{ clientID: clientId, clientSecret },
      appAuth: { publicKeyID: 'k1', privateKey: keys.privateKey, passphrase },
    },
    enterpriseID: '900100',
  }),
});

let twin: BoxTwin;
let notices: BoxNotice[];
const open: Box[] = [];
const context = leasedContext();

beforeAll(async () => {
  twin = await BoxTwin.start();
});
beforeEach(async () => {
  await twin.control('POST', 'reset');
  notices = [];
});
afterEach(async () => {
  for (const box of open.splice(0)) await box.close();
});
afterAll(() => twin.stop());

function boxOn(url: string, given: BoxAuth, log = new MemoryCallLog()): Box {
  const onNotice = (notice: BoxNotice): void => void notices.push(notice);
  const box = createBox({ auth: given, baseUrl: url, log, onNotice });
  open.push(box);
  return box;
}

const tokenCalls = async () => (await twin.calls()).filter(({ path }) => path === '/oauth2/token');

async function ada(box: Box): Promise<string> {
  const made = await box.createUser(context, { externalId: '00uAda', name: 'Ada Example' });
  if (!made.ok || made.value.kind !== 'created') throw new Error(JSON.stringify(made));
  return made.value.user.id;
}

describe('Retry-After', () => {
  // https://github.com/box/box-node-sdk/issues/677
  it('is capped at one day', () => {
    expect(readRetryAfter({ 'retry-after': '2998087' })).toBe(86_400_000);
  });

  it.each(['0', '-1', '-5', '0.2', '', 'soon', 'Tue, 29 Oct 2013 16:56:32 GMT'])(
    'of "%s" is ignored: the pause is the same as without it',
    (value) => expect(readRetryAfter({ 'retry-after': value })).toBeUndefined(),
  );

  // https://github.com/box/box-node-sdk/pull/477, https://github.com/box/box-node-sdk/pull/1250
  it.each([
    [
      '429 without it',
      { kind: 'status', status: 429 },
      { code: 'box_rate_limited', retryAfterMs: undefined },
    ],
    [
      '429 with 0',
      { kind: 'status', status: 429, retryAfter: 0 },
      { code: 'box_rate_limited', retryAfterMs: undefined },
    ],
    [
      '429 with -5',
      { kind: 'status', status: 429, retryAfter: '-5' },
      { code: 'box_rate_limited', retryAfterMs: undefined },
    ],
    ['503 without it', { kind: 'status', status: 503 }, { code: 'box_unavailable', retryAfterMs: undefined }],
    ['no answer at all', { kind: 'resetBefore' }, { code: 'box_unavailable', retryAfterMs: undefined }],
  ])('%s causes a fault and no crash', async (_what, fault, expected) => {
    const box = boxOn(twin.url, twin.auth);
    await twin.control('POST', 'faults', { ...fault, match: { path: '/2.0/users' } });
    const result = await box.findUser(context, '00uAda');
    expect(result).toMatchObject({ ok: false, fault: { code: expected.code } });
    expect(result.ok ? 0 : result.fault.retryAfterMs).toBe(expected.retryAfterMs);
  });

  it('as a date means the time until then', async () => {
    const box = boxOn(twin.url, twin.auth);
    const retryAfter = new Date(Date.now() + 100_000).toUTCString();
    await twin.control('POST', 'faults', {
      kind: 'status',
      status: 429,
      retryAfter,
      match: { path: '/2.0/users' },
    });
    const result = await box.findUser(context, '00uAda');
    const waitMs = result.ok ? 0 : (result.fault.retryAfterMs ?? 0);
    expect(waitMs).toBeGreaterThan(10_000);
    expect(waitMs).toBeLessThanOrEqual(100_000);
  });
});

describe('a JWT that Box refuses', () => {
  const app = { clientId: 'jwt-app', clientSecret: 'jwt-app-secret' };
  beforeEach(() => twin.control('PUT', 'apps', { ...app, publicKeys: [keys.publicKey], grants: ['jwt'] }));

  // https://github.com/box/box-node-sdk/pull/122, https://github.com/box/box-node-sdk/issues/150
  it.each([
    ['behind', 40_000],
    ['ahead', -40_000],
    ['an hour ahead', -3_600_000],
  ])(
    "because a clock is %s is signed once more by Box's Date, and the clock is reported",
    async (_how, offsetMs) => {
      await twin.control('PUT', 'settings', { clockOffsetMs: offsetMs });
      const box = boxOn(twin.url, jwt(app.clientId, app.clientSecret));
      expect(await box.findUser(context, '00uAda')).toEqual({ ok: true, value: null });
      expect((await tokenCalls()).map(({ status }) => status)).toEqual([400, 200]);
      expect(notices).toMatchObject([{ kind: 'clock-off' }]);
      const [notice] = notices;
      const told = notice?.kind === 'clock-off' ? notice.offsetMs : 0;
      expect(Math.abs(told - offsetMs)).toBeLessThan(30_000);
    },
  );

  it('for any other reason is not sent again', async () => {
    const box = boxOn(twin.url, jwt(app.clientId, 'wrong'));
    expect(await box.findUser(context, '00uAda')).toMatchObject({
      ok: false,
      fault: { code: 'box_auth_failed' },
    });
    expect(await tokenCalls()).toHaveLength(1);
    expect(notices).toMatchObject([
      { kind: 'credentials-refused', detail: expect.stringContaining('invalid_client') as string },
    ]);
  });

  it('is signed again for each request: no assertion is sent twice', async () => {
    const server = await ScriptedBox.start();
    const date = new Date(Date.now() - 50_000).toUTCString();
    const claim = "Please check the 'exp' claim.";
    server.token(json(400, { error: 'invalid_grant', error_description: claim }, { date }));
    server.token(json(400, { error: 'invalid_grant', error_description: claim }, { date }));
    const box = boxOn(server.url, jwt('app-1', 'secret'));
    expect(await box.findUser(context, 'x')).toMatchObject({ ok: false, fault: { code: 'box_auth_failed' } });
    const assertions = server.tokenRequests.map(({ body }) => new URLSearchParams(body).get('assertion'));
    expect(new Set(assertions).size).toBe(2);
    await box.close();
    await server.close();
  });
});

// https://github.com/box/box-python-sdk-gen/issues/217, https://github.com/box/box-python-sdk-gen/issues/220
it('reports when Box begins to refuse the credentials, and when it accepts them again', async () => {
  const box = boxOn(twin.url, twin.auth);
  const refused = { code: 'invalid_grant', message: 'Grant credentials are invalid' };
  await twin.control('POST', 'faults', {
    kind: 'status',
    status: 400,
    ...refused,
    match: { path: '/oauth2/token' },
  });
  const failed = await box.findUser(context, '00uAda');
  expect(failed).toMatchObject({
    ok: false,
    fault: { code: 'box_auth_failed', retryAfterMs: expect.any(Number) as number },
  });
  expect(box.credentialsProblem()).toMatchObject({
    detail: expect.stringContaining('Grant credentials are invalid') as string,
  });
  while (!(await box.findUser(context, '00uAda')).ok) continue;
  expect(box.credentialsProblem()).toBeNull();
  expect(notices.map(({ kind }) => kind)).toEqual(['credentials-refused', 'credentials-accepted']);
  expect(await tokenCalls()).toHaveLength(2);
});

describe('a user whom Box does not delete', () => {
  // https://support.box.com/hc/en-us/community/posts/360049178313-Force-Delete-User-using-API,
  // https://support.box.com/hc/en-us/articles/33282413279635
  it.each([
    ['owns content', 400, 'bad_request', 'User has managed content', 'owns-content'],
    [
      'a retention policy',
      403,
      'forbidden',
      'User cannot be deleted due to retention policies. Please transfer user content first',
      'on-hold',
    ],
    ['a legal hold', 403, 'forbidden', 'User cannot be deleted due to a legal hold', 'on-hold'],
  ])('is kept: %s', async (_why, status, code, message, value) => {
    const box = boxOn(twin.url, twin.auth);
    const id = await ada(box);
    await twin.control('POST', 'faults', {
      kind: 'status',
      status,
      code,
      message,
      match: { method: 'DELETE' },
    });
    expect(await box.deleteUser(context, id)).toEqual({ ok: true, value });
  });

  it('is a different error when the app has no right to delete', async () => {
    const box = boxOn(twin.url, twin.auth);
    const id = await ada(box);
    await twin.control('POST', 'faults', { kind: 'status', status: 403, match: { method: 'DELETE' } });
    expect(await box.deleteUser(context, id)).toMatchObject({ ok: false, fault: { code: 'box_forbidden' } });
  });
});

// https://github.com/box/box-java-sdk/issues/483
describe('acting as a person who is inactive in Box', () => {
  const files = (box: Box, boxUserId: string) =>
    box.listFolder(context, { boxUserId, folderId: '0', limit: 10 });

  it.each(['unauthorized', 'forbidden'] as const)(
    'is reported as such when Box answers %s, and the token is kept',
    async (inactiveAsUser) => {
      const box = boxOn(twin.url, twin.auth);
      const id = await ada(box);
      await box.updateUser(context, id, { status: 'inactive' });
      await twin.control('PUT', 'settings', { inactiveAsUser });
      for (let time = 0; time < 3; time++)
        expect(await files(box, id)).toMatchObject({ ok: false, fault: { code: 'box_user_deactivated' } });
      expect(await tokenCalls()).toHaveLength(1);
    },
  );

  it('is reported as such when Box answers 401 without a body', async () => {
    const server = await ScriptedBox.start();
    const box = boxOn(server.url, auth);
    server.api(json(401, {}), json(200, { ...user, status: 'inactive' }));
    expect(await files(box, '4711')).toMatchObject({ ok: false, fault: { code: 'box_user_deactivated' } });
    expect(server.tokenRequests).toHaveLength(1);
    await box.close();
    await server.close();
  });

  it('is a different error when the app may not act as any user', async () => {
    const box = boxOn(twin.url, twin.auth);
    const id = await ada(box);
    await twin.control('PUT', 'apps', { clientId: 'twin-box-client', asUser: false });
    expect(await files(box, id)).toMatchObject({ ok: false, fault: { code: 'box_forbidden' } });
  });
});

// https://github.com/box-community/sdk-powershell-api-v2/issues/9
it('lists the members of a group beyond its first page', async () => {
  const box = boxOn(twin.url, twin.auth);
  const { users } = await twin.control<{ users: { id: string }[] }>('POST', 'seed', {
    users: Array.from({ length: 2_500 }, (_, at) => ({ name: `P ${at}`, externalId: `00u${at}` })),
  });
  const { groups } = await twin.control<{ groups: { id: string }[] }>('POST', 'seed', {
    groups: [{ name: 'All', members: users.map(({ id }) => id) }],
  });
  const seen = new Set<string>();
  let pages = 0;
  for (let offset: number | null = 0; offset !== null; pages++) {
    const page = await box.listMemberships(context, { boxGroupId: groups[0]!.id, offset, limit: 1_000 });
    if (!page.ok) throw new Error(page.fault.detail);
    for (const { boxUserId } of page.value.memberships) seen.add(boxUserId);
    offset = page.value.nextOffset;
  }
  expect([pages, seen.size]).toEqual([3, 2_500]);
});

// https://github.com/box/boxcli/issues/251
it('finds the exact external id when Box answers with several users or ignores the filter', async () => {
  const server = await ScriptedBox.start();
  const box = boxOn(server.url, auth);
  const stranger = { ...user, id: '1', external_app_user_id: 'sub-11' };
  server.api(json(200, { entries: [stranger, user] }), json(200, { entries: [stranger] }));
  expect(await box.findUser(context, 'sub-1')).toMatchObject({ ok: true, value: { id: '4711' } });
  // Returned as it is, because the adopting code compares the external id.
  expect(await box.findUser(context, 'sub-1')).toMatchObject({
    ok: true,
    value: { id: '1', externalId: 'sub-11' },
  });
  await box.close();
  await server.close();
});
