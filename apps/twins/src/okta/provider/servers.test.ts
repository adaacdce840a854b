import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import {
  aNumber,
  aString,
  basic,
  matching,
  CONFIG,
  control,
  json,
  SECRET,
  start,
  tokensOf,
  verify,
  type Json,
} from '../okta.harness.ts';
import { type OktaTwin } from '../server.ts';

let twin: OktaTwin;
beforeAll(async () => (twin = await start({ issuer: 'http://okta.localhost:4400' })));
afterAll(() => twin.close());
afterEach(() => control(twin, '/reset', {}));

const get = async (path: string): Promise<Json> => json(await fetch(twin.url + path));

describe('discovery of the org server', () => {
  it("lists Okta's paths under the public issuer, and promises neither RFC 9207 nor logout features", async () => {
    const { body } = await get('/.well-known/openid-configuration');
    expect(body).toMatchObject({
      issuer: 'http://okta.localhost:4400',
      authorization_endpoint: 'http://okta.localhost:4400/oauth2/v1/authorize',
      token_endpoint: 'http://okta.localhost:4400/oauth2/v1/token',
      userinfo_endpoint: 'http://okta.localhost:4400/oauth2/v1/userinfo',
      jwks_uri: 'http://okta.localhost:4400/oauth2/v1/keys',
      end_session_endpoint: 'http://okta.localhost:4400/oauth2/v1/logout',
      introspection_endpoint: 'http://okta.localhost:4400/oauth2/v1/introspect',
      revocation_endpoint: 'http://okta.localhost:4400/oauth2/v1/revoke',
      code_challenge_methods_supported: ['S256'],
      id_token_signing_alg_values_supported: ['RS256'],
      scopes_supported: ['openid', 'profile', 'email', 'groups', 'address', 'phone', 'offline_access'],
    });
    const absent = /iss_parameter|backchannel|frontchannel|check_session|acr_values/;
    expect(Object.keys(body).filter((name) => absent.test(name))).toEqual([]);
  });

  it("rejects an unknown client in the management API's envelope", async () => {
    expect((await get(`/.well-known/openid-configuration?client_id=${CONFIG.webClient.id}`)).status).toBe(
      200,
    );
    const { status, body } = await get('/.well-known/openid-configuration?client_id=unknown');
    expect(status).toBe(400);
    expect(body).toMatchObject({
      errorCode: 'invalid_client',
      errorCauses: [],
      errorId: matching(/^oae/),
    });
  });
});

describe('keys', () => {
  const kids = async (path = '/oauth2/v1/keys'): Promise<unknown[]> => {
    const { body } = await get(path);
    const keys: unknown = body['keys'];
    return Array.isArray(keys) ? keys.map((key: { kid?: unknown }) => key.kid) : [];
  };

  it('are two or three public RS256 keys with a cache time', async () => {
    const { headers, body } = await get('/oauth2/v1/keys');
    expect(headers.get('cache-control')).toBe('max-age=3832304, must-revalidate');
    const key = {
      kty: 'RSA',
      alg: 'RS256',
      use: 'sig',
      kid: aString,
      e: 'AQAB',
      n: aString,
    };
    expect(body).toEqual({ keys: [key, key] });
  });

  it('rotate: the new key signs at once, the old ones stay for a while, never more than three', async () => {
    const before = await kids();
    for (let time = 0; time < 3; time++) {
      const old = (await tokensOf(twin, 'ada@example.com')).idToken;
      await control(twin, '/rotate-keys', {});
      const fresh = (await tokensOf(twin, 'ada@example.com')).idToken;
      expect(decodeProtectedHeader(fresh).kid).not.toBe(decodeProtectedHeader(old).kid);
      await verify(twin, old);
      await verify(twin, fresh);
    }
    expect(await kids()).toHaveLength(3);
    expect(before).not.toContain((await kids())[2]);
  });

  it('are all withdrawn at once in an emergency, on both servers', async () => {
    const custom = '/oauth2/default/v1/keys';
    const before = [...(await kids()), ...(await kids(custom))];
    const old = (await tokensOf(twin, 'ada@example.com')).idToken;
    await control(twin, '/rotate-keys', { keepOld: false });
    for (const kid of [...(await kids()), ...(await kids(custom))]) expect(before).not.toContain(kid);
    await expect(verify(twin, old)).rejects.toThrow('no applicable key found');
  });
});

describe("the custom server 'default'", () => {
  const CUSTOM = 'http://okta.localhost:4400/oauth2/default';
  const ask = async (fields: Record<string, string>, authorization?: string): Promise<Json> =>
    json(
      await fetch(`${twin.url}/oauth2/default/v1/token`, {
        method: 'POST',
        headers: authorization === undefined ? {} : { authorization },
        body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'foyer.read', ...fields }),
      }),
    );
  const service = basic('service-client', 'service-secret');
  const bearer = async (): Promise<string> => String((await ask({}, service)).body['access_token']);

  it('has its documents at all three addresses', async () => {
    for (const path of [
      '/oauth2/default/.well-known/openid-configuration',
      '/oauth2/default/.well-known/oauth-authorization-server',
      '/.well-known/oauth-authorization-server/oauth2/default',
    ]) {
      const { body } = await get(path);
      expect(body).toMatchObject({
        issuer: CUSTOM,
        token_endpoint: `${CUSTOM}/v1/token`,
        jwks_uri: `${CUSTOM}/v1/keys`,
      });
    }
  });

  it('issues a machine a JWT for the API', async () => {
    const { status, headers, body } = await ask({ scope: 'foyer.read foyer.write' }, service);
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toContain('no-store');
    expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 3600, scope: 'foyer.read foyer.write' });
    const keys = createRemoteJWKSet(new URL(`${twin.url}/oauth2/default/v1/keys`));
    const { payload } = await jwtVerify(String(body['access_token']), keys, {
      issuer: CUSTOM,
      audience: 'api://foyer',
    });
    expect(payload).toEqual({
      ver: 1,
      jti: matching(/^AT\./),
      iss: CUSTOM,
      aud: 'api://foyer',
      iat: aNumber,
      exp: (payload.iat ?? 0) + 3600,
      cid: 'service-client',
      scp: ['foyer.read', 'foyer.write'],
      sub: 'service-client',
    });
  });

  it('accepts the secret in the body, and issues a separate token each time', async () => {
    const post = { client_id: 'service-client', client_secret: 'service-secret' };
    const [first, second] = [await ask(post), await ask(post)];
    expect(first.status).toBe(200);
    const jti = ({ body }: Json): unknown => decodeJwt(String(body['access_token'])).jti;
    expect(jti(first)).not.toBe(jti(second));
  });

  it.each([
    [
      'an unknown scope',
      { scope: 'foyer.read other' },
      service,
      400,
      'invalid_scope',
      'One or more scopes are not configured for the authorization server resource.',
    ],
    ['no scope', { scope: '' }, service, 400, 'invalid_scope', 'No scopes were requested.'],
    ['no credentials', {}, undefined, 401, 'invalid_client', 'No client credentials found.'],
    [
      'an unknown client',
      {},
      basic('unknown', 'x'),
      401,
      'invalid_client',
      "Invalid value for 'client_id' parameter.",
    ],
    [
      'a wrong secret',
      {},
      basic('service-client', 'x'),
      401,
      'invalid_client',
      'The client secret supplied for a confidential client is invalid.',
    ],
    [
      'another grant type',
      { grant_type: 'password' },
      service,
      400,
      'unauthorized_client',
      'The client is not authorized to use the provided grant type. Configured grant types: [client_credentials].',
    ],
    [
      'the web app',
      {},
      basic(CONFIG.webClient.id, SECRET),
      400,
      'unauthorized_client',
      'The client is not authorized to use the provided grant type. Configured grant types: [authorization_code, refresh_token].',
    ],
  ])('rejects %s', async (_case, fields, authorization, status, error, text) => {
    const answer = await ask(fields, authorization);
    expect(answer.status).toBe(status);
    expect(answer.body).toEqual({ error, error_description: text });
  });

  it('introspects its tokens', async () => {
    const introspect = async (token: string): Promise<unknown> =>
      (
        await json(
          await fetch(`${twin.url}/oauth2/default/v1/introspect`, {
            method: 'POST',
            headers: { authorization: service },
            body: new URLSearchParams({ token }),
          }),
        )
      ).body;
    expect(await introspect(await bearer())).toMatchObject({ active: true, scope: 'foyer.read' });
    expect(await introspect('nonsense')).toEqual({ active: false });
  });
});
