import {
  authorizeUrl,
  Browser,
  CONFIG,
  control,
  locationOf,
  REDIRECT_URI,
  signIn,
  start,
} from '../okta.harness.ts';
import { basic, json, matching, redeem, SECRET, tokensIn, verify } from '../okta.harness.ts';
import { type OktaTwin } from '../server.ts';

let twin: OktaTwin;
beforeAll(async () => (twin = await start()));
afterAll(() => twin.close());
afterEach(() => control(twin, '/reset', {}));

/** The fields that the app receives for a request that never showed a form. */
async function answerTo(fields: Record<string, string | undefined>): Promise<Record<string, string>> {
  const target = locationOf(await new Browser().request(authorizeUrl(twin, fields)), twin.url);
  expect(target.origin + target.pathname).toBe(REDIRECT_URI);
  return Object.fromEntries(target.searchParams);
}

describe("Okta's own error page, without a redirect", () => {
  it.each([
    ['an unregistered redirect_uri', { redirect_uri: 'https://attacker.example.com/' }],
    ['a redirect_uri that only begins like a registered one', { redirect_uri: `${REDIRECT_URI}/more` }],
    ['a missing redirect_uri', { redirect_uri: undefined }],
    ['a client without redirect URIs', { client_id: 'service-client' }],
  ])('is shown for %s', async (_case, fields) => {
    const response = await fetch(authorizeUrl(twin, fields), { redirect: 'manual' });
    expect(response.status).toBe(400);
    expect(response.headers.get('location')).toBeNull();
    expect(await response.text()).toContain(
      'The &#39;redirect_uri&#39; parameter must be a Login redirect URI in the client app settings.',
    );
  });

  it('is shown for an unknown client', async () => {
    const response = await fetch(authorizeUrl(twin, { client_id: 'unknown' }), { redirect: 'manual' });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('Invalid value for &#39;client_id&#39; parameter.');
  });

  it('is shown for a resumed sign-in that was never started', async () => {
    const response = await fetch(`${twin.url}/oauth2/v1/authorize/unknown`, { redirect: 'manual' });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('400 Bad Request');
  });
});

describe('errors sent back to the app', () => {
  it('require a state', async () => {
    expect(await answerTo({ state: undefined })).toEqual({
      error: 'invalid_request',
      error_description: "The authentication request has an invalid 'state' parameter.",
    });
  });

  it.each([
    [
      { scope: 'openid foyer.read' },
      'invalid_scope',
      'One or more scopes are not configured for the authorization server resource.',
    ],
    [{ scope: undefined }, 'invalid_scope', 'No scopes were requested.'],
    [
      { code_challenge: undefined, code_challenge_method: undefined },
      'invalid_request',
      'PKCE code challenge is required by the application.',
    ],
    [
      { prompt: 'none' },
      'login_required',
      'The client specified not to prompt, but the user is not logged in.',
    ],
  ])('report %j as %s', async (fields, error, text) => {
    expect(await answerTo(fields)).toEqual({ state: 'some-state', error, error_description: text });
  });

  it.each([{ code_challenge_method: 'plain' }, { code_challenge_method: undefined }])(
    'reject every PKCE method except S256: %j',
    async (fields) => {
      expect((await answerTo(fields))['error']).toBe('invalid_request');
    },
  );

  it('reject prompts that contradict each other', async () => {
    expect((await answerTo({ prompt: 'none login' }))['error']).toBe('invalid_request');
  });

  it('are in the fragment for a response type without a code, where its client expects them', async () => {
    const target = locationOf(
      await new Browser().request(authorizeUrl(twin, { response_type: 'id_token' })),
      twin.url,
    );
    const fields = new URLSearchParams(target.hash.slice(1));
    expect(fields.get('error')).toBe('unsupported_response_type');
    expect(fields.has('iss')).toBe(false);
  });

  it('do not occur without PKCE when the app does not require it', async () => {
    await control(twin, '/settings', { pkceRequired: false }, 'PUT');
    const fields = { code_challenge: undefined, code_challenge_method: undefined };
    const callback = await signIn(twin, new Browser(), 'ada@example.com', fields);
    const { status } = await redeem(twin, {
      code: callback.searchParams.get('code') ?? '',
      code_verifier: '',
    });
    expect(status).toBe(200);
  });
});

describe('the authorization response', () => {
  it('has code and state, and no iss', async () => {
    const callback = await signIn(twin, new Browser(), 'ada@example.com');
    expect([...callback.searchParams.keys()]).toEqual(['code', 'state']);
    expect(callback.searchParams.get('state')).toBe('some-state');
  });

  it('has no iss in errors either', async () => {
    expect(await answerTo({ prompt: 'none' })).not.toHaveProperty('iss');
  });

  it('is a form that submits itself for response_mode=form_post', async () => {
    const browser = new Browser();
    await signIn(twin, browser, 'ada@example.com');
    const response = await browser.request(authorizeUrl(twin, { response_mode: 'form_post' }));
    expect(response.status).toBe(200);
    const html = await response.text();
    expect(html).toContain(`<form method="post" action="${REDIRECT_URI}">`);
    expect(html).toMatch(/name="code" value="[\w-]+"/);
    expect(html).toContain('name="state" value="some-state"');
    expect(html).not.toContain('name="iss"');
  });

  it('keeps the response mode after the sign-in form', async () => {
    const callback = await signIn(twin, new Browser(), 'ada@example.com', { response_mode: 'fragment' });
    expect(callback.search).toBe('');
    expect(new URLSearchParams(callback.hash.slice(1)).get('state')).toBe('some-state');
  });
});

describe('the authorization request', () => {
  it('may be a form post', async () => {
    const browser = new Browser();
    const fields = Object.fromEntries(new URL(authorizeUrl(twin)).searchParams);
    const target = locationOf(await browser.post(`${twin.url}/oauth2/v1/authorize`, fields), twin.url);
    expect(target.pathname).toMatch(/^\/signin\//);
  });

  it('may be pushed, answered with 200 and a urn:okta: that lasts an hour', async () => {
    const push = (authorization: string) =>
      fetch(`${twin.url}/oauth2/v1/par`, {
        method: 'POST',
        headers: { authorization },
        body: new URL(authorizeUrl(twin, { state: 'pushed' })).searchParams,
      }).then(json);
    expect((await push(basic(CONFIG.webClient.id, 'wrong'))).status).toBe(401);
    const { status, body } = await push(basic(CONFIG.webClient.id, SECRET));
    expect(status).toBe(200);
    expect(body).toEqual({ request_uri: matching(/^urn:okta:/), expires_in: 3600 });
    const url = new URL(`${twin.url}/oauth2/v1/authorize`);
    url.searchParams.set('client_id', CONFIG.webClient.id);
    url.searchParams.set('request_uri', String(body['request_uri']));
    const browser = new Browser();
    await signIn(twin, browser, 'ada@example.com');
    const callback = locationOf(await browser.request(url.href), twin.url);
    expect(callback.searchParams.get('state')).toBe('pushed');
    const tokens = tokensIn(await redeem(twin, { code: callback.searchParams.get('code') ?? '' }));
    expect((await verify(twin, tokens.idToken))['preferred_username']).toBe('ada@example.com');
    url.searchParams.set('request_uri', 'urn:okta:unknown');
    expect((await browser.request(url.href)).status).toBe(400);
  });
});
