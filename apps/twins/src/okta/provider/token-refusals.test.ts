import { basic, Browser, CONFIG, control, idOf, later, redeem, signIn, start } from '../okta.harness.ts';
import type { OktaTwin } from '../server.ts';

let twin: OktaTwin;
beforeAll(async () => (twin = await start()));
afterAll(() => twin.close());
afterEach(() => control(twin, '/reset', {}));

async function codeOf(login = 'ada@example.com', fields: Record<string, string> = {}): Promise<string> {
  return (await signIn(twin, new Browser(), login, fields)).searchParams.get('code') ?? '';
}

describe('the token endpoint rejects', () => {
  const web = (secret: string): string => basic(CONFIG.webClient.id, secret);

  it.each([
    [
      'a wrong verifier',
      { code_verifier: 'x'.repeat(43) },
      400,
      'invalid_grant',
      'PKCE verification failed.',
    ],
    ['a malformed verifier', { code_verifier: 'short' }, 400, 'invalid_grant', 'PKCE verification failed.'],
    [
      'no verifier',
      { code_verifier: '' },
      400,
      'invalid_request',
      'PKCE code verifier is required by the application.',
    ],
    [
      'an unknown code',
      { code: 'unknown' },
      400,
      'invalid_grant',
      'The authorization code is invalid or has expired.',
    ],
    [
      'another redirect_uri',
      { redirect_uri: 'http://localhost:3000/other' },
      400,
      'invalid_grant',
      "The 'redirect_uri' does not match the redirection URI used in the authorization request.",
    ],
    [
      'an unknown refresh token',
      { grant_type: 'refresh_token', refresh_token: 'unknown' },
      400,
      'invalid_grant',
      'The refresh token is invalid or expired.',
    ],
    [
      'a grant type the app may not use',
      { grant_type: 'client_credentials', scope: 'openid' },
      400,
      'unauthorized_client',
      'The client is not authorized to use the provided grant type. Configured grant types: [authorization_code, refresh_token].',
    ],
  ])('%s', async (_case, fields, status, error, text) => {
    const answer = await redeem(twin, { code: await codeOf(), ...fields });
    expect(answer.status).toBe(status);
    expect(answer.body).toEqual({ error, error_description: text });
  });

  it.each([
    ['no credentials', null, 'No client credentials found.'],
    ['an unknown client', basic('unknown', 'x'), "Invalid value for 'client_id' parameter."],
    ['a wrong secret', web('wrong'), 'The client secret supplied for a confidential client is invalid.'],
  ])('%s', async (_case, authorization, text) => {
    const answer = await redeem(twin, { code: await codeOf() }, authorization);
    expect(answer.status).toBe(401);
    expect(answer.body).toEqual({ error: 'invalid_client', error_description: text });
  });

  it('an expired code', async () => {
    const [early, late] = [await codeOf(), await codeOf()];
    expect((await later(290, () => redeem(twin, { code: early }))).status).toBe(200);
    const { body } = await later(301, () => redeem(twin, { code: late }));
    expect(body['error_description']).toBe('The authorization code is invalid or has expired.');
  });

  it('a person suspended in between', async () => {
    const code = await codeOf();
    await control(twin, `/people/${await idOf(twin, 'ada@example.com')}`, { status: 'SUSPENDED' }, 'PATCH');
    expect((await redeem(twin, { code })).body['error']).toBe('invalid_grant');
  });

  it('more than a hundred groups, when they are requested', async () => {
    const groups = Array.from({ length: 101 }, (_, index) => `Group ${String(index)}`);
    await control(twin, '/people', { login: 'joiner@example.com', groups });
    const answer = await redeem(twin, { code: await codeOf('joiner@example.com') });
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual({
      error: 'server_error',
      error_description:
        'The groups claim matched too many groups and must be configured to match fewer groups.',
    });
    expect(
      (await redeem(twin, { code: await codeOf('joiner@example.com', { scope: 'openid' }) })).status,
    ).toBe(200);
  });

  it('a machine that asks the org server for scopes of the API, or for none', async () => {
    const ask = (scope: string) =>
      redeem(twin, { grant_type: 'client_credentials', scope }, basic('service-client', 'service-secret'));
    expect((await ask('foyer.read')).body['error_description']).toBe(
      'One or more scopes are not configured for the authorization server resource.',
    );
    expect((await ask('')).body['error_description']).toBe('No scopes were requested.');
  });
});
