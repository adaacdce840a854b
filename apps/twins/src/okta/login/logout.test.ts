import {
  AFTER_LOGOUT,
  authorizeUrl,
  Browser,
  control,
  locationOf,
  start,
  tokensOf,
} from '../okta.harness.ts';
import { type OktaTwin } from '../server.ts';

let twin: OktaTwin;
beforeAll(async () => (twin = await start()));
afterAll(() => twin.close());
afterEach(() => control(twin, '/reset', {}));

function logout(browser: Browser, fields: Record<string, string>): Promise<Response> {
  return browser.request(`${twin.url}/oauth2/v1/logout?${new URLSearchParams(fields).toString()}`);
}

async function signedIn(browser: Browser): Promise<boolean> {
  const answer = locationOf(await browser.request(authorizeUrl(twin, { prompt: 'none' })), twin.url);
  return answer.searchParams.has('code');
}

it('ends the session at once and redirects back with the state', async () => {
  const browser = new Browser();
  const { idToken } = await tokensOf(twin, 'ada@example.com', { browser });
  expect(await signedIn(browser)).toBe(true);
  const answer = await logout(browser, {
    id_token_hint: idToken,
    post_logout_redirect_uri: AFTER_LOGOUT,
    state: 'bye bye',
  });
  expect(answer.status).toBe(302);
  expect(answer.headers.get('location')).toBe(`${AFTER_LOGOUT}?state=bye+bye`);
  expect(await signedIn(browser)).toBe(false);
});

it('accepts a form post, and shows a link to sign in when there is no address to return to', async () => {
  const browser = new Browser();
  const { idToken } = await tokensOf(twin, 'ada@example.com', { browser });
  const answer = await browser.post(`${twin.url}/oauth2/v1/logout`, { id_token_hint: idToken });
  const target = locationOf(answer, twin.url);
  expect(await (await browser.request(target.href)).text()).toContain('Signed out');
  expect(await signedIn(browser)).toBe(false);
});

it('accepts an expired hint, and one signed with a withdrawn key', async () => {
  await control(twin, '/faults', { kind: 'expired' });
  const browser = new Browser();
  const { idToken } = await tokensOf(twin, 'ada@example.com', { browser });
  await control(twin, '/rotate-keys', { keepOld: false });
  expect((await logout(browser, { id_token_hint: idToken })).status).toBe(302);
  expect(await signedIn(browser)).toBe(false);
});

it('redirects back at once without a session', async () => {
  const { idToken } = await tokensOf(twin, 'ada@example.com');
  const answer = await logout(new Browser(), {
    id_token_hint: idToken,
    post_logout_redirect_uri: AFTER_LOGOUT,
  });
  expect(answer.headers.get('location')).toBe(AFTER_LOGOUT);
});

it("rejects without ending a session: no hint, an invalid one, another person's, an unregistered address", async () => {
  const browser = new Browser();
  const { idToken, accessToken } = await tokensOf(twin, 'ada@example.com', { browser });
  const other = (await tokensOf(twin, 'grace@example.com')).idToken;
  await control(twin, '/faults', { kind: 'wrongAudience' });
  const foreign = (await tokensOf(twin, 'ada@example.com')).idToken;
  const cases: [Record<string, string>, string][] = [
    [{ post_logout_redirect_uri: AFTER_LOGOUT }, 'id_token_hint'],
    [{ id_token_hint: 'nonsense' }, 'id_token_hint'],
    [{ id_token_hint: accessToken }, 'id_token_hint'],
    [{ id_token_hint: foreign }, 'id_token_hint'],
    [{ id_token_hint: other }, 'The ID token subject does not match the current session'],
    [
      { id_token_hint: idToken, post_logout_redirect_uri: 'https://attacker.example.com/' },
      'parameter must be a Logout redirect URI in the client app settings.',
    ],
  ];
  for (const [fields, text] of cases) {
    const answer = await logout(browser, fields);
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain(text);
  }
  expect(await signedIn(browser)).toBe(true);
});
