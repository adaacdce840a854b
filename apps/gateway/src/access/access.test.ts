import { request } from 'node:http';
import { Twin } from '@foyer/testing';
import { Api, type Credentials } from './api.harness.ts';

let api: Api;
let ada: { identityId: string; requestId: string };
let signedIn: Credentials;

beforeAll(async () => {
  api = await Api.start();
  ada = await api.admit();
  signedIn = await api.session(ada.identityId);
});
afterAll(() => api.stop());

const protectedRoutes = [
  ['GET', '/v1/me'],
  ['GET', '/v1/me/files'],
  ['GET', '/v1/me/files/8c3f6c1e-9c8f-4ec1-a3f2-7d2bb8c5d001/content'],
  ['GET', '/v1/provisioning-requests'],
  ['POST', '/v1/provisioning-requests'],
  ['GET', '/v1/provisioning-requests/8c3f6c1e-9c8f-4ec1-a3f2-7d2bb8c5d001'],
  ['POST', '/v1/provisioning-requests/8c3f6c1e-9c8f-4ec1-a3f2-7d2bb8c5d001/retry'],
  ['POST', '/v1/provisioning-requests/retries'],
  ['GET', '/v1/provisioning-batches'],
  ['POST', '/v1/provisioning-batches'],
  ['GET', '/v1/provisioning-batches/8c3f6c1e-9c8f-4ec1-a3f2-7d2bb8c5d001'],
  ['GET', '/v1/identities'],
  ['GET', '/v1/identities/8c3f6c1e-9c8f-4ec1-a3f2-7d2bb8c5d001'],
  ['GET', '/v1/api-calls'],
] as const;

it('knows every route', () => {
  const known = api.routes
    .filter(({ path }) => path.startsWith('/v1'))
    .map(({ method, path }) => `${method} ${path}`);
  const tested = protectedRoutes.map(
    ([method, path]) => `${method.toLowerCase()} ${path.replace(/8c3f[0-9a-f-]*/, ':id')}`,
  );
  expect(known.toSorted()).toEqual(tested.toSorted());
});

it.each(protectedRoutes)('%s %s is refused without credentials', async (method, path) => {
  const none = await api.call(method, path);
  expect([none.status, none.body.code]).toEqual([401, 'unauthenticated']);
  expect(none.headers.get('www-authenticate')).toBe('Bearer realm="foyer"');
  const bad = await api.call(method, path, { as: { token: 'abc' } });
  expect([bad.status, bad.body.code]).toEqual([401, 'invalid_token']);
  expect(bad.headers.get('www-authenticate')).toContain('error="invalid_token"');
});

it('refuses a wrong Authorization header although the cookie is valid', async () => {
  for (const authorization of [
    'Basic YTpi',
    'Bearer',
    'Bearer ',
    'Bearer a b',
    'bearer x',
    '',
    'x'.repeat(9_000),
  ]) {
    const answer = await api.get('/v1/me', signedIn, { authorization });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      401,
      'application/problem+json; charset=utf-8',
    ]);
  }
  expect((await api.get('/v1/me', signedIn)).status).toBe(200);
});

it('uses the token, not the cookie, if both are present', async () => {
  const both = { ...signedIn, ...(await api.machine('foyer.read')) };
  expect((await api.get('/v1/identities', both)).status).toBe(200);
  expect((await api.get('/v1/api-calls', both)).status).toBe(403);
});

it.each([
  ['GET', '/v1/provisioning-requests', 'foyer.read'],
  ['GET', '/v1/provisioning-requests/8c3f6c1e-9c8f-4ec1-a3f2-7d2bb8c5d001', 'foyer.read'],
  ['POST', '/v1/provisioning-requests', 'foyer.write'],
  ['POST', '/v1/provisioning-requests/8c3f6c1e-9c8f-4ec1-a3f2-7d2bb8c5d001/retry', 'foyer.write'],
  ['GET', '/v1/identities', 'foyer.read'],
  ['GET', '/v1/api-calls', 'foyer.audit'],
])('%s %s needs its scope and no other', async (method, path, scope) => {
  const others = ['foyer.read', 'foyer.write', 'foyer.audit', 'foyer', 'foyer.*', scope.toUpperCase()].filter(
    (s) => s !== scope,
  );
  const refused = await api.call(method, path, { as: await api.machine(...others) });
  expect([refused.status, refused.body.code]).toEqual([403, 'insufficient_scope']);
  expect(refused.body.detail).toContain(scope);
  expect(refused.headers.get('www-authenticate')).toContain(`scope="${scope}"`);
  const allowed = await api.call(method, path, { as: await api.machine(scope) });
  expect([401, 403]).not.toContain(allowed.status);
});

it('answers "me" for people, and never for machines', async () => {
  const as = await api.machine();
  expect((await api.get('/v1/me', as)).status).toBe(404);
  expect((await api.get('/v1/me/files', as)).status).toBe(404);
});

it('lets a session change nothing', async () => {
  const created = await api.call('POST', '/v1/provisioning-requests', {
    as: signedIn,
    body: { subject: 'a' },
  });
  const retried = await api.call('POST', `/v1/provisioning-requests/${ada.requestId}/retry`, {
    as: signedIn,
  });
  expect([created.status, retried.status]).toEqual([403, 403]);
});

it('refuses a session whose cookie was tampered with', async () => {
  const cookie = signedIn.cookie?.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')) ?? '';
  expect((await api.get('/v1/me', { cookie })).status).toBe(401);
});

it('refuses a session whose identity is not of this tenant', async () => {
  expect((await api.get('/v1/me', await api.session('8c3f6c1e-9c8f-4ec1-a3f2-7d2bb8c5d001'))).status).toBe(
    401,
  );
});

it('accepts one Authorization header, and refuses two', async () => {
  const { token } = await api.machine('foyer.read');
  for (const headers of [
    [`Bearer ${token}`, 'Bearer other'],
    ['Bearer other', `Bearer ${token}`],
    [`Bearer ${token}`, `Bearer ${token}`],
  ]) {
    const status = await new Promise((resolve, reject) => {
      const all = ['host', new URL(api.url).host, ...headers.flatMap((value) => ['authorization', value])];
      request(`${api.url}/v1/identities`, { headers: all, agent: false }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      })
        .on('error', reject)
        .end();
    });
    expect(status).toBe(401);
  }
});

it('forbids shared caches to store its answers', async () => {
  const { headers } = await api.get('/v1/me', signedIn);
  expect(headers.get('cache-control')).toBe('private, no-store');
  expect(headers.get('vary')).toContain('Authorization');
});

it('reports that Okta is unavailable when the keys cannot be fetched', async () => {
  const lost = await Api.start();
  try {
    lost.keys.down = true;
    const answer = await lost.get('/v1/identities', await lost.machine());
    expect([answer.status, answer.body.code, answer.headers.get('retry-after')]).toEqual([
      503,
      'okta_unavailable',
      '1',
    ]);
  } finally {
    await lost.stop();
  }
});

it('accepts the tokens that the Okta twin issues by client credentials', async () => {
  const twin = await Twin.start('okta', { OKTA_TWIN_PORT: '0' });
  const real = await Api.start({ apiIssuer: `${twin.url}/oauth2/default` });
  try {
    const answer = await fetch(`${twin.url}/oauth2/default/v1/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa('twin-service-client:twin-service-secret')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'foyer.read' }),
    });
    const { access_token: token } = (await answer.json()) as { access_token: string };
    expect((await real.get('/v1/identities', { token })).status).toBe(200);
    expect((await real.get('/v1/api-calls', { token })).status).toBe(403);
  } finally {
    await real.stop();
    await twin.stop();
  }
});
