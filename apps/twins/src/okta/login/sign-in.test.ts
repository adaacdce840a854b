import {
  authorizeUrl,
  Browser,
  locationOf,
  REDIRECT_URI,
  signIn,
  start,
  tokensOf,
  verify,
  control,
  idOf,
} from '../okta.harness.ts';
import { type OktaTwin } from '../server.ts';

let twin: OktaTwin;
beforeAll(async () => (twin = await start()));
afterAll(() => twin.close());
afterEach(() => control(twin, '/reset', {}));

describe('the sign-in form', () => {
  it('is plain labelled HTML that posts username and password, and is marked as a stand-in', async () => {
    const browser = new Browser();
    const target = locationOf(
      await browser.request(authorizeUrl(twin, { login_hint: 'ada@example.com' })),
      twin.url,
    );
    const html = await (await browser.request(target.href)).text();
    expect(html).toContain('stand-in for Okta');
    expect(html).toMatch(/<form method="post">/);
    expect(html).toMatch(/<label for="username">[\s\S]*name="username"[\s\S]*value="ada@example.com"/);
    expect(html).toMatch(/<label for="password">[\s\S]*name="password"/);
    expect(html).toMatch(/<button type="submit">Sign in<\/button>/);
    expect(html).not.toContain('<script');
  });

  it.each([
    ['a wrong password', 'ada@example.com', 'wrong'],
    ['an unknown login', 'nobody@example.com', 'Foyer-sample-1'],
    ['a suspended person', 'suspended@example.com', 'Foyer-sample-1'],
    ['a deactivated person', 'deactivated@example.com', 'Foyer-sample-1'],
  ])('shows the same message for %s, and another attempt still works', async (_case, username, password) => {
    const browser = new Browser();
    const target = locationOf(await browser.request(authorizeUrl(twin)), twin.url);
    const failed = await browser.post(target.href, { username, password });
    expect(failed.status).toBe(200);
    expect(await failed.text()).toContain('Unable to sign in');
    const resume = await browser.post(target.href, {
      username: 'ada@example.com',
      password: 'Foyer-sample-1',
    });
    const callback = locationOf(await browser.request(locationOf(resume, twin.url).href), twin.url);
    expect(callback.searchParams.get('code')).toBeTruthy();
  });

  it('does not repeat markup from the login', async () => {
    const browser = new Browser();
    const target = locationOf(await browser.request(authorizeUrl(twin)), twin.url);
    const html = await (await browser.post(target.href, { username: '"><script>', password: 'x' })).text();
    expect(html).not.toContain('<script');
  });

  it('is bound to the browser that it was shown in', async () => {
    const target = locationOf(await new Browser().request(authorizeUrl(twin)), twin.url);
    const stranger = await new Browser().post(target.href, {
      username: 'ada@example.com',
      password: 'Foyer-sample-1',
    });
    expect(stranger.status).toBe(400);
    expect(await stranger.text()).toContain('begun in another browser');
  });
});

describe('the session', () => {
  it('signs in silently the second time', async () => {
    const browser = new Browser();
    const first = await verify(twin, (await tokensOf(twin, 'ada@example.com', { browser })).idToken);
    const again = locationOf(await browser.request(authorizeUrl(twin, { prompt: 'none' })), twin.url);
    expect(again.origin + again.pathname).toBe(REDIRECT_URI);
    expect(again.searchParams.get('code')).toBeTruthy();
    const second = await verify(twin, (await tokensOf(twin, 'nobody@example.com', { browser })).idToken);
    expect(second.sub).toBe(first.sub);
  });

  it('shows the form again for prompt=login, and another person may sign in there', async () => {
    const browser = new Browser();
    await tokensOf(twin, 'ada@example.com', { browser });
    const target = locationOf(await browser.request(authorizeUrl(twin, { prompt: 'login' })), twin.url);
    expect(target.pathname).toMatch(/^\/signin\//);
    const grace = await tokensOf(twin, 'grace@example.com', { browser, prompt: 'login' });
    expect((await verify(twin, grace.idToken)).sub).toBe(await idOf(twin, 'grace@example.com'));
    const silent = await tokensOf(twin, 'nobody@example.com', { browser });
    expect((await verify(twin, silent.idToken)).sub).toBe(await idOf(twin, 'grace@example.com'));
  });

  it('asks again when max_age has passed', async () => {
    const browser = new Browser();
    await tokensOf(twin, 'ada@example.com', { browser });
    const fresh = locationOf(await browser.request(authorizeUrl(twin, { max_age: '1000' })), twin.url);
    expect(fresh.searchParams.get('code')).toBeTruthy();
    const stale = locationOf(await browser.request(authorizeUrl(twin, { max_age: '0' })), twin.url);
    expect(stale.pathname).toMatch(/^\/signin\//);
  });

  it('lets two tabs finish that both began before the first sign-in', async () => {
    const browser = new Browser();
    const open = async (state: string): Promise<URL> =>
      locationOf(await browser.request(authorizeUrl(twin, { state })), twin.url);
    const finish = async (form: URL, username: string): Promise<URL> => {
      const resume = await browser.post(form.href, { username, password: 'Foyer-sample-1' });
      return locationOf(await browser.request(locationOf(resume, twin.url).href), twin.url);
    };
    const [first, second] = [await open('first'), await open('second')];
    for (const [form, state, login] of [
      [second, 'second', 'ada@example.com'],
      [first, 'first', 'grace@example.com'],
    ] as const) {
      const callback = await finish(form, login);
      expect(callback.searchParams.get('state')).toBe(state);
      expect(callback.searchParams.get('code')).toBeTruthy();
    }
  });

  it('does not sign in silently once the person is suspended', async () => {
    const browser = new Browser();
    await tokensOf(twin, 'ada@example.com', { browser });
    await control(twin, `/people/${await idOf(twin, 'ada@example.com')}`, { status: 'SUSPENDED' }, 'PATCH');
    const target = locationOf(await browser.request(authorizeUrl(twin)), twin.url);
    expect(target.pathname).toMatch(/^\/signin\//);
    const none = locationOf(await browser.request(authorizeUrl(twin, { prompt: 'none' })), twin.url);
    expect(none.searchParams.get('error')).toBe('login_required');
  });
});

describe('a person who is not assigned to the app', () => {
  const text = 'User+is+not+assigned+to+the+client+application.';

  it('is redirected with access_denied, form-encoded, and the second time without a form', async () => {
    const browser = new Browser();
    const callback = await signIn(twin, browser, 'unassigned@example.com');
    expect(callback.search).toBe(`?state=some-state&error=access_denied&error_description=${text}`);
    const again = locationOf(await browser.request(authorizeUrl(twin)), twin.url);
    expect(again.searchParams.get('error')).toBe('access_denied');
    const other = await signIn(twin, browser, 'ada@example.com', { prompt: 'login' });
    expect(other.searchParams.get('code')).toBeTruthy();
  });

  it('can sign in as soon as they are assigned', async () => {
    const browser = new Browser();
    await signIn(twin, browser, 'unassigned@example.com');
    await control(twin, `/people/${await idOf(twin, 'unassigned@example.com')}`, { assigned: true }, 'PATCH');
    const callback = await signIn(twin, browser, 'unassigned@example.com');
    expect(callback.searchParams.get('code')).toBeTruthy();
  });
});

it('does not mix up twenty people who sign in concurrently', async () => {
  const { body } = await control(twin, '/seed', { count: 20, prefix: 'crowd' });
  expect(body['people']).toHaveLength(20);
  const logins = Array.from({ length: 20 }, (_, index) => `crowd${String(index + 1)}@example.com`);
  const claims = await Promise.all(
    logins.map(async (login) =>
      verify(twin, (await tokensOf(twin, login, { state: login, nonce: login })).idToken),
    ),
  );
  for (const [index, login] of logins.entries()) {
    expect(claims[index]).toMatchObject({
      preferred_username: login,
      nonce: login,
      sub: await idOf(twin, login),
    });
  }
  expect(new Set(claims.map(({ sub }) => sub)).size).toBe(20);
});
