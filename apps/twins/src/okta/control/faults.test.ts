import { decodeJwt, decodeProtectedHeader } from 'jose';
import {
  atHashOf,
  authorizeUrl,
  Browser,
  CONFIG,
  control,
  json,
  locationOf,
  signIn,
} from '../okta.harness.ts';
import { start, tokensOf, verify } from '../okta.harness.ts';
import { type OktaTwin } from '../server.ts';

let twin: OktaTwin;
beforeAll(async () => (twin = await start()));
afterAll(() => twin.close());
afterEach(() => control(twin, '/reset', {}));

const fault = (body: Record<string, unknown>) => control(twin, '/faults', body);
const soon = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;

describe('ID tokens that a client must reject', () => {
  it.each([
    ['wrongAudience', 'unexpected "aud" claim value'],
    ['wrongIssuer', 'unexpected "iss" claim value'],
    ['expired', '"exp" claim timestamp check failed'],
    ['badSignature', 'signature verification failed'],
    ['algNone', '"alg" (Algorithm) Header Parameter value not allowed'],
    ['missingSub', 'missing required "sub" claim'],
  ])('%s', async (kind, message) => {
    await fault({ kind });
    const { idToken } = await tokensOf(twin, 'ada@example.com');
    await expect(verify(twin, idToken)).rejects.toThrow(message);
    const next = await tokensOf(twin, 'ada@example.com');
    await expect(verify(twin, next.idToken)).resolves.toHaveProperty('sub');
  });

  it('algNone is unsigned, badSignature names a published key', async () => {
    await fault({ kind: 'algNone' });
    const unsigned = (await tokensOf(twin, 'ada@example.com')).idToken;
    expect(decodeProtectedHeader(unsigned)).toEqual({ alg: 'none' });
    expect(unsigned.endsWith('.')).toBe(true);
    await fault({ kind: 'badSignature' });
    const forged = decodeProtectedHeader((await tokensOf(twin, 'ada@example.com')).idToken);
    const { keys } = (await json(await fetch(`${twin.url}/oauth2/v1/keys`))).body;
    expect(keys).toContainEqual(expect.objectContaining({ kid: forged.kid }));
  });

  it('wrongNonce, futureIat, wrongAzp and multiAudience change only that claim', async () => {
    const damaged = async (kind: string) => {
      await fault({ kind });
      return decodeJwt((await tokensOf(twin, 'ada@example.com')).idToken);
    };
    expect((await damaged('wrongNonce'))['nonce']).not.toBe('some-nonce');
    expect((await damaged('futureIat')).iat).toBeGreaterThan(soon(600));
    expect(await damaged('wrongAzp')).toMatchObject({ azp: 'another-client', aud: CONFIG.webClient.id });
    const many = await damaged('multiAudience');
    expect(many.aud).toEqual([CONFIG.webClient.id, 'another-client']);
    expect(many).not.toHaveProperty('azp');
  });
});

describe('swapped access tokens', () => {
  const subOf = async (accessToken: string): Promise<unknown> => {
    const headers = { authorization: `Bearer ${accessToken}` };
    return (await json(await fetch(`${twin.url}/oauth2/v1/userinfo`, { headers }))).body['sub'];
  };

  it('belong to another person, while at_hash is that of the right token', async () => {
    await fault({ kind: 'swappedAccessToken' });
    const { idToken, accessToken } = await tokensOf(twin, 'ada@example.com');
    const claims = await verify(twin, idToken);
    expect(claims['at_hash']).toEqual(expect.any(String));
    expect(claims['at_hash']).not.toBe(atHashOf(accessToken));
    const sub = await subOf(accessToken);
    expect(sub).toMatch(/^00u/);
    expect(sub).not.toBe(claims.sub);
  });

  it('have no at_hash as a variant', async () => {
    await fault({ kind: 'swappedAccessToken', atHash: 'missing' });
    const { idToken, accessToken } = await tokensOf(twin, 'ada@example.com');
    expect(decodeJwt(idToken)).not.toHaveProperty('at_hash');
    expect(await subOf(accessToken)).not.toBe(decodeJwt(idToken).sub);
  });

  it('stay unchanged with userinfoOtherSub, which answers with another sub', async () => {
    await fault({ kind: 'userinfoOtherSub' });
    const { idToken, accessToken } = await tokensOf(twin, 'ada@example.com');
    expect(await subOf(accessToken)).not.toBe(decodeJwt(idToken).sub);
    expect(await subOf(accessToken)).toBe(decodeJwt(idToken).sub);
  });
});

describe('iss in the authorization response', () => {
  it.each([
    ['issInResponse', () => twin.issuer],
    ['wrongIssInResponse', () => 'https://attacker.example.com'],
  ])('%s', async (kind, issuer) => {
    await fault({ kind, times: 2 });
    const browser = new Browser();
    const refused = locationOf(await browser.request(authorizeUrl(twin, { prompt: 'none' })), twin.url);
    expect(refused.searchParams.get('iss')).toBe(issuer());
    const callback = await signIn(twin, browser, 'ada@example.com');
    expect(callback.searchParams.get('iss')).toBe(issuer());
    const next = await signIn(twin, browser, 'ada@example.com');
    expect(next.searchParams.has('iss')).toBe(false);
  });
});

describe('endpoints that fail', () => {
  const paths = {
    discovery: '/.well-known/openid-configuration',
    token: '/oauth2/v1/token',
    userinfo: '/oauth2/v1/userinfo',
    keys: '/oauth2/v1/keys',
    logout: '/oauth2/v1/logout',
    authorize: '/oauth2/v1/authorize',
  };

  it.each(Object.entries(paths))('%s answers with the configured status, once', async (endpoint, path) => {
    await fault({ kind: 'error', endpoint, status: 503 });
    const init = { method: endpoint === 'token' ? 'POST' : 'GET' };
    expect((await fetch(twin.url + path, init)).status).toBe(503);
    expect((await fetch(twin.url + path, init)).status).not.toBe(503);
  });

  it("answer 429 in Okta's envelope with its rate limit headers", async () => {
    await fault({ kind: 'error', endpoint: 'token', status: 429 });
    const { status, headers, body } = await json(
      await fetch(`${twin.url}/oauth2/v1/token`, { method: 'POST' }),
    );
    expect(status).toBe(429);
    expect(headers.get('x-rate-limit-remaining')).toBe('0');
    expect(body).toMatchObject({ errorCode: 'E0000047', errorCauses: [] });
  });

  it('fail until cleared with times null, on their own server only', async () => {
    await fault({ kind: 'error', endpoint: 'keys', server: 'default', times: null });
    const custom = `${twin.url}/oauth2/default/v1/keys`;
    for (let time = 0; time < 3; time++) expect((await fetch(custom)).status).toBe(500);
    expect((await fetch(`${twin.url}/oauth2/v1/keys`)).status).toBe(200);
    await control(twin, '/faults', undefined, 'DELETE');
    expect((await fetch(custom)).status).toBe(200);
  });

  it('delay the response with slow', async () => {
    await fault({ kind: 'slow', endpoint: 'keys', delayMs: 200 });
    const started = Date.now();
    expect((await fetch(`${twin.url}/oauth2/v1/keys`)).status).toBe(200);
    expect(Date.now() - started).toBeGreaterThanOrEqual(195);
  });
});
