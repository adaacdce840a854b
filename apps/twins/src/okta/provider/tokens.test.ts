import { decodeJwt, decodeProtectedHeader } from 'jose';
import {
  atHashOf,
  basic,
  Browser,
  CONFIG,
  control,
  aNumber,
  aString,
  idOf,
  matching,
  json,
  redeem,
  SECRET,
  signIn,
  start,
  tokensIn,
  tokensOf,
  verify,
} from '../okta.harness.ts';
import type { OktaTwin } from '../server.ts';

let twin: OktaTwin;
beforeAll(async () => (twin = await start()));
afterAll(() => twin.close());
afterEach(() => control(twin, '/reset', {}));

async function codeOf(login = 'ada@example.com', fields: Record<string, string> = {}): Promise<string> {
  return (await signIn(twin, new Browser(), login, fields)).searchParams.get('code') ?? '';
}

function userinfo(token: string): Promise<Response> {
  return fetch(`${twin.url}/oauth2/v1/userinfo`, { headers: { authorization: `Bearer ${token}` } });
}

describe('the ID token', () => {
  it("has Okta's claims and no sid, and is signed by a published key", async () => {
    const before = Math.floor(Date.now() / 1000);
    const { idToken, accessToken, body } = await tokensOf(twin, 'ada@example.com');
    const claims = await verify(twin, idToken);
    expect(claims).toEqual({
      ver: 1,
      sub: await idOf(twin, 'ada@example.com'),
      iss: twin.issuer,
      aud: CONFIG.webClient.id,
      iat: aNumber,
      exp: (claims.iat ?? 0) + 3600,
      jti: matching(/^ID\./),
      amr: ['pwd'],
      idp: matching(/^00o[A-Za-z0-9]{17}$/),
      nonce: 'some-nonce',
      auth_time: aNumber,
      at_hash: atHashOf(accessToken),
      preferred_username: 'ada@example.com',
      name: 'Ada Example',
      given_name: 'Ada',
      family_name: 'Example',
      email: 'ada@example.com',
      email_verified: true,
      locale: 'en-US',
      zoneinfo: 'America/Los_Angeles',
      updated_at: aNumber,
      groups: ['Everyone', 'Engineering'],
    });
    expect(claims['auth_time']).toBeGreaterThanOrEqual(before);
    expect(claims.sub).toMatch(/^00u[A-Za-z0-9]{17}$/);
    expect(decodeProtectedHeader(idToken)).toEqual({ alg: 'RS256', kid: aString });
    expect(body).toMatchObject({
      token_type: 'Bearer',
      expires_in: 3600,
      scope: 'openid profile email groups',
    });
    expect(body).not.toHaveProperty('refresh_token');
  });

  it('has only the claims of the requested scopes', async () => {
    const { idToken } = await tokensOf(twin, 'ada@example.com', { scope: 'openid email' });
    const claims = decodeJwt(idToken);
    expect(claims['email']).toBe('ada@example.com');
    for (const name of ['name', 'preferred_username', 'groups']) expect(claims).not.toHaveProperty(name);
  });

  it('is thin when the org is configured so, and userinfo has the rest', async () => {
    await control(twin, '/settings', { thinIdToken: true }, 'PUT');
    const { idToken, accessToken } = await tokensOf(twin, 'ada@example.com');
    const claims = await verify(twin, idToken);
    expect(claims).toMatchObject({
      name: 'Ada Example',
      email: 'ada@example.com',
      ver: 1,
      nonce: 'some-nonce',
    });
    for (const name of ['groups', 'given_name', 'email_verified']) expect(claims).not.toHaveProperty(name);
    const { body } = await json(await userinfo(accessToken));
    expect(body).toMatchObject({ sub: claims.sub, given_name: 'Ada', groups: ['Everyone', 'Engineering'] });
  });

  it('contains names of every kind unchanged', async () => {
    const nameOf = async (login: string): Promise<unknown> =>
      decodeJwt((await tokensOf(twin, login)).idToken)['name'];
    expect(String(await nameOf('long@example.com')).length).toBeGreaterThan(50);
    expect(await nameOf('hanako@example.com')).toBe('花子 山田');
    const nameless = decodeJwt((await tokensOf(twin, 'noname@example.com')).idToken);
    for (const name of ['name', 'given_name', 'family_name']) expect(nameless).not.toHaveProperty(name);
    await control(twin, '/people', { login: 'empty@example.com', name: '', firstName: '', lastName: '' });
    expect(await nameOf('empty@example.com')).toBe('');
  });
});

describe('the access token', () => {
  it('is a JWT with cid, uid and an scp array, for Okta only: no published key verifies it', async () => {
    const { accessToken } = await tokensOf(twin, 'ada@example.com');
    const id = await idOf(twin, 'ada@example.com');
    expect(decodeJwt(accessToken)).toMatchObject({
      ver: 1,
      jti: matching(/^AT\./),
      iss: twin.issuer,
      aud: twin.issuer,
      sub: 'ada@example.com',
      cid: CONFIG.webClient.id,
      uid: id,
      scp: ['openid', 'profile', 'email', 'groups'],
      auth_time: aNumber,
    });
    await expect(verify(twin, accessToken)).rejects.toThrow();
  });

  it('gives access to userinfo: plain JSON with all claims that the scopes allow', async () => {
    const { idToken, accessToken } = await tokensOf(twin, 'ada@example.com');
    const response = await userinfo(accessToken);
    expect(response.headers.get('content-type')).toContain('application/json');
    const { body } = await json(response);
    expect(body).toEqual({
      sub: decodeJwt(idToken).sub,
      name: 'Ada Example',
      given_name: 'Ada',
      family_name: 'Example',
      preferred_username: 'ada@example.com',
      locale: 'en-US',
      zoneinfo: 'America/Los_Angeles',
      updated_at: aNumber,
      email: 'ada@example.com',
      email_verified: true,
      groups: ['Everyone', 'Engineering'],
    });
  });

  it.each(['', 'nonsense', 'a.b.c'])(
    'is required for userinfo: %j gets 401 with the reason in the header',
    async (token) => {
      const response = await userinfo(token);
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toBe(
        'Bearer error="invalid_token", error_description="The access token is invalid"',
      );
    },
  );

  it('must have the openid scope for userinfo', async () => {
    const callback = await signIn(twin, new Browser(), 'ada@example.com', {
      scope: 'email',
      nonce: undefined,
    });
    const { body } = await redeem(twin, { code: callback.searchParams.get('code') ?? '' });
    const response = await userinfo(String(body['access_token']));
    expect(response.status).toBe(403);
    expect(response.headers.get('www-authenticate')).toContain('error="insufficient_scope"');
  });

  it.each([{ status: 'SUSPENDED' }, { status: 'DEPROVISIONED' }, { assigned: false }])(
    'is invalid once the person is %j',
    async (change) => {
      const { accessToken } = await tokensOf(twin, 'ada@example.com');
      await control(twin, `/people/${await idOf(twin, 'ada@example.com')}`, change, 'PATCH');
      expect((await userinfo(accessToken)).status).toBe(401);
    },
  );

  it('can be introspected and revoked by its client', async () => {
    const { accessToken } = await tokensOf(twin, 'ada@example.com');
    const ask = async (path: string, authorization = basic(CONFIG.webClient.id, SECRET)) =>
      json(
        await fetch(`${twin.url}/oauth2/v1/${path}`, {
          method: 'POST',
          headers: { authorization },
          body: new URLSearchParams({ token: accessToken }),
        }),
      );
    expect((await ask('introspect')).body).toMatchObject({ active: true, username: 'ada@example.com' });
    expect((await ask('introspect', basic('service-client', 'service-secret'))).body).toEqual({
      active: false,
    });
    expect((await ask('revoke')).status).toBe(200);
    expect((await ask('introspect')).body).toEqual({ active: false });
    expect((await userinfo(accessToken)).status).toBe(401);
  });
});

describe('the authorization code', () => {
  it('lasts 300 seconds unless configured otherwise, and works once', async () => {
    expect((await control(twin, '/settings')).body['codeTtl']).toBe(300);
    const code = await codeOf();
    expect((await redeem(twin, { code })).status).toBe(200);
    expect((await redeem(twin, { code })).body).toEqual({
      error: 'invalid_grant',
      error_description: 'The authorization code is invalid or has expired.',
    });
  });

  it('does not affect the codes of other tabs of the same session', async () => {
    const browser = new Browser();
    const callbacks = [];
    for (const state of ['one', 'two', 'three']) {
      callbacks.push(await signIn(twin, browser, 'ada@example.com', { state }));
    }
    for (const callback of callbacks) {
      expect((await redeem(twin, { code: callback.searchParams.get('code') ?? '' })).status).toBe(200);
    }
  });
});

it('accepts the client secret in the body as well', async () => {
  const fields = { code: await codeOf(), client_id: CONFIG.webClient.id, client_secret: SECRET };
  expect((await redeem(twin, fields, null)).status).toBe(200);
});

it('issues a refresh token for offline_access, valid for another sign-in without a browser', async () => {
  const first = await tokensOf(twin, 'ada@example.com', { scope: 'openid profile offline_access' });
  const refresh = { grant_type: 'refresh_token', refresh_token: String(first.body['refresh_token']) };
  const second = tokensIn(await redeem(twin, refresh));
  const claims = await verify(twin, second.idToken);
  expect(claims).toMatchObject({
    sub: decodeJwt(first.idToken).sub,
    at_hash: atHashOf(second.accessToken),
    ver: 1,
  });
  expect(claims['auth_time']).toBe(decodeJwt(first.idToken)['auth_time']);
});
