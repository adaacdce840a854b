import { generateKeyPairSync } from 'node:crypto';
import { leasedContext, MemoryCallLog } from '@foyer/provisioning/testing';
import { createBox, type BoxAuth } from './index.ts';
import { BoxTwin } from '@foyer/testing';

let twin: BoxTwin;
const context = leasedContext();

beforeAll(async () => {
  twin = await BoxTwin.start();
});
afterAll(() => twin.stop());
beforeEach(() => twin.control('POST', 'reset'));

const boxWith = (auth: BoxAuth = twin.auth) => {
  const log = new MemoryCallLog();
  return { box: createBox({ auth, baseUrl: twin.url, log }), log };
};
const seen = async () =>
  (await twin.calls()).map(({ method, path, status }) => `${method} ${path} ${status}`);

it('needs two calls for the first new person and one for the next', async () => {
  const { box } = boxWith();
  await box.createUser(context, { externalId: 'sub-1', name: 'Ada Example' });
  await box.createUser(context, { externalId: 'sub-2', name: 'Grace Sample' });
  expect(await seen()).toEqual(['POST /oauth2/token 200', 'POST /2.0/users 201', 'POST /2.0/users 201']);
  await box.close();
});

it('sends 20 concurrent creates on a cold start with one token', async () => {
  const { box } = boxWith();
  const creates = Array.from({ length: 20 }, (_, at) =>
    box.createUser(context, { externalId: `sub-${at}`, name: `Person ${at}` }),
  );
  expect((await Promise.all(creates)).every((result) => result.ok)).toBe(true);
  const calls = await seen();
  expect(calls.filter((call) => call.startsWith('POST /oauth2/token'))).toHaveLength(1);
  expect(calls).toHaveLength(21);
  await box.close();
});

it.each(['empty', 'envelope'])(
  'renews a token that Box has expired, once for all calls (401 body: %s)',
  async (body) => {
    await twin.control('PUT', 'settings', { unauthorizedBody: body });
    const { box } = boxWith();
    await box.findUser(context, 'sub-1');
    await twin.control('PUT', 'settings', { clockOffsetMs: 2 * 3_600_000 });
    const results = await Promise.all(Array.from({ length: 10 }, () => box.findUser(context, 'sub-1')));
    expect(results.every((result) => result.ok)).toBe(true);
    expect((await seen()).filter((call) => call.startsWith('POST /oauth2/token'))).toHaveLength(2);
    await box.close();
  },
);

it('authenticates with a JWT, whatever base URL Box has', async () => {
  const passphrase = 'passphrase';
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase },
  });
  const app = { clientId: 'jwt-app', clientSecret: 'jwt-secret' };
  await twin.control('PUT', 'apps', { ...app, publicKeys: [publicKey] });
  const configJson = JSON.stringify({
    boxAppSettings: {
      clientID: app.clientId,
      clientSecret: app.clientSecret,
      appAuth: { publicKeyID: 'key-1', privateKey, passphrase },
    },
    enterpriseID: '900100',
  });
  const { box, log } = boxWith({ kind: 'jwt', configJson });
  const result = await box.createUser(context, { externalId: 'sub-1', name: 'Ada Example' });
  expect(result).toMatchObject({ ok: true, value: { kind: 'created', user: { isAppUser: true } } });
  expect(log.of('token')[0]?.intent.parameters).toEqual({
    grantType: 'jwt-bearer',
    clientId: app.clientId,
    enterpriseId: '900100',
  });
  await box.close();
});

it("reports Box's own message when the credentials are refused", async () => {
  await twin.control('PUT', 'apps', { clientId: 'twin-box-client', grants: ['jwt'] });
  const { box } = boxWith();
  expect(await box.findUser(context, 'sub-1')).toMatchObject({
    ok: false,
    fault: { code: 'box_auth_failed', detail: expect.stringContaining('unauthorized_client') as string },
  });
  await box.close();
});

it('creates the user when Box answers with a body that the SDK cannot parse', async () => {
  await twin.control('PUT', 'settings', { notificationEmail: 'emptyArray' });
  const { box } = boxWith();
  const result = await box.createUser(context, { externalId: 'sub-1', name: 'Ada Example' });
  expect(result).toMatchObject({ ok: true, value: { kind: 'created', user: { externalId: 'sub-1' } } });
  await box.close();
});

it('acts as the person by a header of this one call', async () => {
  const { box } = boxWith();
  const created = await box.createUser(context, { externalId: 'sub-1', name: 'Ada Example' });
  if (!created.ok || created.value.kind !== 'created') throw new Error('The user was not created.');
  const { id } = created.value.user;
  await box.listFolder(context, { boxUserId: id, folderId: '0', limit: 10 });
  await box.findUser(context, 'sub-1');
  const calls = await twin.calls();
  expect(calls.map(({ path, asUser }) => [path, asUser])).toEqual([
    ['/oauth2/token', null],
    ['/2.0/users', null],
    ['/2.0/folders/0/items', id],
    ['/2.0/users', null],
  ]);
  await box.close();
});

it('respects the rate limit: waits as long as Box requires', async () => {
  await twin.control('PUT', 'settings', { rateLimitPerMinute: 1 });
  const { box } = boxWith();
  await box.findUser(context, 'sub-1');
  const limited = await box.createUser(context, { externalId: 'sub-1', name: 'Ada Example' });
  expect(limited).toMatchObject({ ok: false, fault: { code: 'box_rate_limited', ambiguous: false } });
  expect(limited.ok ? 0 : limited.fault.retryAfterMs).toBeGreaterThan(50_000);
  await box.close();
});

it("lists this app's users only: no managed users, no users of other apps, and not the service account", async () => {
  await twin.control('PUT', 'apps', { clientId: 'twin-box-client', enterpriseAccess: true });
  await twin.control('PUT', 'apps', { clientId: 'other-app', clientSecret: 'other-secret' });
  await twin.control('POST', 'seed', {
    users: [
      { name: 'Mona Managed', kind: 'managed', login: 'mona@example.com' },
      { name: 'Otto Other', clientId: 'other-app', externalId: 'sub-1' },
      { name: 'Ada Example', externalId: 'sub-1' },
      { name: 'Olga Nobody' },
    ],
  });
  const { box } = boxWith();
  const pages = [];
  let marker: string | undefined;
  do {
    const page = await box.listUsers(context, { limit: 1, marker });
    if (!page.ok) throw new Error(page.fault.detail);
    pages.push(page.value.users.map((user) => [user.name, user.externalId]));
    marker = page.value.nextMarker ?? undefined;
  } while (marker !== undefined);
  expect(pages).toEqual([[], [['Ada Example', 'sub-1']], [['Olga Nobody', null]]]);
  await box.close();
});
