import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { ProvisioningRequest } from '@foyer/shared';
import { appPart, untilReady, type AppName } from '../stack/apps.ts';
import { signIn, type Browser } from '../demonstration/browser.ts';
import { formsIn, headingIn } from '../demonstration/page.ts';
import { freePorts } from '../stack/ports.ts';
import { type Part } from '../stack/process.ts';
import { gatewayEnvironment, provisionerEnvironment, type Wiring } from '../stack/settings.ts';
import { startStack, type Stack } from '../stack/stack.ts';
import { SAMPLE_PASSWORD } from '../stack/twins.ts';
import { until } from '@foyer/testing';

const SESSION_SECRET = 'a-secret-of-this-test-long-enough-to-be-a-key';
const SECOND = { BOX_CLIENT_ID: 'second-client', BOX_CLIENT_SECRET: 'second-secret' };
const quick = { RELAY_INTERVAL_MS: '200', RELAY_GRACE_MS: '500', RETRY_BASE_MS: '100', RETRY_MAX_MS: '1000' };

let stack: Stack;
let wiring: Wiring;
const extra: Part[] = [];

beforeAll(async () => {
  stack = await startStack({
    postgresUrl: process.env.FOYER_TEST_POSTGRES_URL,
    template: 'foyer_template',
    env: { gateway: { SESSION_SECRET }, provisioner: quick },
  });
  const port = (url: string | undefined) => Number(new URL(url!).port);
  const { urls, databaseUrl } = stack;
  wiring = {
    ports: {
      gateway: port(urls.gateway),
      okta: port(urls.okta),
      box: port(urls.box),
      provisioners: urls.provisioners.map(port),
    },
    databaseUrl,
    sessionSecret: SESSION_SECRET,
  };
  await stack.box.app({ clientId: SECOND.BOX_CLIENT_ID, clientSecret: SECOND.BOX_CLIENT_SECRET });
}, 120_000);
afterAll(async () => {
  await Promise.all(extra.map((part) => part.stop()));
  await stack?.stop();
});

/** Starts an app besides one of the stack's, or instead of it, with other settings. */
async function start(app: AppName, env: Record<string, string>): Promise<Part> {
  const part = appPart(app, env, {});
  extra.push(part);
  await part.start();
  return part;
}
const gatewayWith = async (env: Record<string, string>): Promise<Part> => {
  const part = await start('gateway', { ...gatewayEnvironment(wiring), ...env });
  await untilReady(part, stack.urls.gateway);
  return part;
};
const provisionerWith = async (env: Record<string, string>): Promise<{ part: Part; url: string }> => {
  const [port = 0] = await freePorts(1);
  const part = await start('provisioner', { ...provisionerEnvironment(wiring, port), ...quick, ...env });
  return { part, url: `http://127.0.0.1:${port}` };
};

const newPerson = async (login: string, name: string) => {
  const person = await stack.okta.addPerson({ login, email: login, name, status: 'ACTIVE', assigned: true });
  return { ...person, credentials: { username: login, password: SAMPLE_PASSWORD } };
};
const boxUsersOf = async (oktaId: string) =>
  (await stack.box.state()).users.filter(({ externalId }) => externalId === oktaId);
const usersOfSecond = async () =>
  (await stack.box.state()).users.filter(
    ({ kind, clientId }) => kind === 'app' && clientId === 'second-client',
  );

const api = async (path: string, scope = 'foyer.read') => {
  const token = await stack.okta.serviceToken(scope);
  return fetch(`${stack.urls.gateway}${path}`, { headers: { authorization: `Bearer ${token}` } });
};
const requestsOf = async (subject: string): Promise<{ id: string }[]> => {
  const identities = (await (await api(`/v1/identities?subject=${subject}`)).json()) as {
    items: { id: string }[];
  };
  const list = await api(`/v1/provisioning-requests?identityId=${identities.items[0]!.id}`);
  return ((await list.json()) as { items: { id: string }[] }).items;
};

/** `npm run foyer -- ...`, in a process of its own. */
function foyer(
  env: Record<string, string>,
  ...args: string[]
): Promise<{ status: number; out: string; err: string }> {
  const main = join(import.meta.dirname, '../../../apps/operator/dist/main.js');
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [main, ...args],
      {
        cwd: import.meta.dirname,
        env: { PATH: process.env.PATH, ...provisionerEnvironment(wiring, 0), ...env },
      },
      (error, out, err) =>
        resolve({ status: typeof error?.code === 'number' ? error.code : error ? -1 : 0, out, err }),
    );
  });
}

/** Deletes a Box user like an administrator in Box's console. */
async function deleteByHand(clientId: string, clientSecret: string, boxUserId: string): Promise<void> {
  const grant = {
    grant_type: 'client_credentials',
    client_id: clientId,
    client_secret: clientSecret,
    box_subject_type: 'enterprise',
    box_subject_id: '900100',
  };
  const token = await fetch(`${stack.urls.box}/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams(grant),
  });
  const { access_token: bearer } = (await token.json()) as { access_token: string };
  const response = await fetch(`${stack.urls.box}/2.0/users/${boxUserId}?force=true`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${bearer}` },
  });
  expect(response.status).toBe(204);
}

describe('a tenant whose BOX_CLIENT_ID is changed', () => {
  let ada: Awaited<ReturnType<typeof newPerson>>;
  let grace: Awaited<ReturnType<typeof newPerson>>;
  let browser: Browser;

  it('keeps provisioning with the old provisioner while a new one beside it, of another app, is held', async () => {
    ada = await newPerson('ada-swap@example.com', 'Ada Swap');
    const first = await signIn(stack.urls.gateway, ada.credentials);
    expect(first.message).toBe('New user created: Ada Swap');
    browser = first.browser;

    const { part, url } = await provisionerWith(SECOND);
    const readiness = await fetch(`${url}/readyz`);
    expect(readiness.status).toBe(503);
    expect(await readiness.text()).toMatch(/twin-box-client.*second-client.*npm run foyer -- box-app/);
    expect(await (await fetch(`${url}/metrics`)).text()).toMatch(
      /foyer_box_app_differs\{app="provisioner"\} 1/,
    );
    expect(part.lastLines.some((line) => /"event":"box-app-changed"/.test(line))).toBe(true);

    const people = await Promise.all(
      Array.from({ length: 8 }, (_, n) => newPerson(`beside-${n}@example.com`, `Beside ${n}`)),
    );
    const pages = await Promise.all(people.map(({ credentials }) => signIn(stack.urls.gateway, credentials)));
    expect(pages.map(({ message }) => message)).toEqual(
      people.map(({ name }) => `New user created: ${name}`),
    );
    expect(await usersOfSecond()).toEqual([]);
    await part.stop();
  }, 60_000);

  it('provisions no person when all processes use the other app, states why, and lets known people sign in', async () => {
    await Promise.all([stack.parts.gateway!.stop(), stack.parts.provisioners[0]!.stop()]);
    await gatewayWith(SECOND);
    await provisionerWith(SECOND);
    await stack.box.clearCalls();

    const again = await signIn(stack.urls.gateway, ada.credentials);
    expect(again.message).toBe('Hello Ada Swap');
    expect(again.alert).toMatch(/cannot be reached from here/);

    grace = await newPerson('grace-swap@example.com', 'Grace Swap');
    const held = await signIn(stack.urls.gateway, grace.credentials);
    expect(held.message).toBe('Your Box account has to wait');
    expect(held.alert).toMatch(/your request is kept/);
    expect(held.ms).toBeLessThan(2_000);
    const [waiting] = await requestsOf(grace.id);
    const answer = await api(`/v1/provisioning-requests/${waiting!.id}`);
    const request = ProvisioningRequest.parse(await answer.json());
    expect(request).toMatchObject({ status: 'queued', attempts: 0, error: { code: 'box_app_changed' } });
    expect(request.timeline.map(({ event }) => event)).toEqual(['queued']);

    const readiness = await fetch(`${stack.urls.gateway}/readyz`);
    expect(readiness.status).toBe(200);
    expect(await readiness.text()).toMatch(/npm run foyer -- box-app/);
    const written = (await stack.box.calls()).filter(
      ({ method, path }) => method !== 'GET' && path.startsWith('/2.0/'),
    );
    expect(written).toEqual([]);
    // The user is not missing just because another app does not see them.
    const me = (await (await api(`/v1/identities?subject=${ada.id}`)).json()) as {
      items: { boxAccount: object }[];
    };
    expect(me.items[0]!.boxAccount).toMatchObject({ missingSince: null });
  }, 60_000);

  it('shows the state to an operator, refuses accounts that the new app cannot read, and migrates exactly once', async () => {
    expect((await foyer(SECOND, 'box-app')).status).toBe(1);
    const refused = await foyer(SECOND, 'box-app', 'accept');
    expect([refused.status, refused.out]).toEqual([1, expect.stringMatching(/Refused: 9 of 9/)]);
    expect((await foyer(SECOND, 'box-app', 'migrate')).out).toMatch(
      /9 accounts become former.*[\s\S]*Nothing was changed/,
    );
    expect(await usersOfSecond()).toEqual([]);

    const done = await foyer(SECOND, 'box-app', 'migrate', '--yes');
    expect([done.status, done.out]).toEqual([0, expect.stringMatching(/9 accounts are former ones/)]);
    await until('all are created again', async () => ((await usersOfSecond()).length === 10 ? true : null));
    const anew = await usersOfSecond();
    expect(new Set(anew.map(({ externalId }) => externalId)).size).toBe(10);
    expect((await boxUsersOf(ada.id)).map(({ clientId }) => clientId).sort()).toEqual([
      'second-client',
      'twin-box-client',
    ]);

    // The session from before the swap shows the new account without another sign-in.
    const page = await until('the page shows the account', async () => {
      const home = await browser.get(stack.urls.gateway);
      return headingIn(home.html).startsWith('Hello') ? home : null;
    });
    expect(page.html).toContain(
      (await boxUsersOf(ada.id)).find(({ clientId }) => clientId === 'second-client')!.id,
    );
    expect((await signIn(stack.urls.gateway, grace.credentials)).message).toMatch(
      /^(Hello|New user created:) Grace Swap$/,
    );
    expect((await fetch(`${stack.urls.gateway}/readyz`)).status).toBe(200);
    expect((await foyer(SECOND, 'box-app')).status).toBe(0);
  }, 90_000);

  it('explains to a person that their Box user was deleted, offers only what can help, and recreates it for an operator', async () => {
    const [account] = (await boxUsersOf(ada.id)).filter(({ clientId }) => clientId === 'second-client');
    await deleteByHand(SECOND.BOX_CLIENT_ID, SECOND.BOX_CLIENT_SECRET, account!.id);
    const page = await browser.get(stack.urls.gateway);
    expect(headingIn(page.html)).toBe('Your Box account was deleted');
    expect(formsIn(page.html).map(({ action }) => action)).toEqual(['/logout']);
    const again = await signIn(stack.urls.gateway, ada.credentials);
    expect(again.message).toBe('Your Box account was deleted');
    expect(again.alert).toContain('help desk');
    const [newest] = await requestsOf(ada.id);
    expect(newest).toMatchObject({ status: 'failed', error: { code: 'box_user_missing' } });

    const identities = (await (await api(`/v1/identities?subject=${ada.id}`)).json()) as {
      items: { id: string }[];
    };
    const recreated = await foyer(SECOND, 'box-app', 'recreate', identities.items[0]!.id);
    expect([recreated.status, recreated.out]).toEqual([0, expect.stringMatching(/creates a new one/)]);
    const home = await until('the new account is there', async () => {
      const shown = await again.browser.get(stack.urls.gateway);
      return headingIn(shown.html).includes('Ada Swap') && !/One moment/.test(shown.html) ? shown : null;
    });
    expect(headingIn(home.html)).toBe('Hello Ada Swap');
  }, 60_000);

  it('creates one new user for twenty sign-ins at once, if the policy is on-sign-in', async () => {
    await Promise.all(extra.map((part) => part.stop()));
    await gatewayWith({ ...SECOND, RECREATE_DELETED: 'on-sign-in', SIGN_IN_LIMIT_PER_MINUTE: '1000' });
    await provisionerWith({ ...SECOND, RECREATE_DELETED: 'on-sign-in' });
    await provisionerWith({ ...SECOND, RECREATE_DELETED: 'on-sign-in' });
    const [account] = (await boxUsersOf(grace.id)).filter(({ clientId }) => clientId === 'second-client');
    const open = await signIn(stack.urls.gateway, grace.credentials);
    await deleteByHand(SECOND.BOX_CLIENT_ID, SECOND.BOX_CLIENT_SECRET, account!.id);
    const told = await open.browser.get(stack.urls.gateway);
    expect(headingIn(told.html)).toBe('Your Box account was deleted');
    expect(told.html).toContain('href="/login"');

    const pages = await Promise.all(
      Array.from({ length: 20 }, () => signIn(stack.urls.gateway, grace.credentials)),
    );
    expect(new Set(pages.map(({ boxUserId }) => boxUserId)).size).toBe(1);
    expect(pages.map(({ message }) => message)).toContain('New user created: Grace Swap');
    const users = (await boxUsersOf(grace.id)).filter(({ clientId }) => clientId === 'second-client');
    expect(users.map(({ id }) => id)).toEqual([pages[0]!.boxUserId]);
    expect(users[0]!.id).not.toBe(account!.id);
  }, 90_000);
});
