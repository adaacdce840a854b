import { randomUUID } from 'node:crypto';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { startStack, type Stack } from '../stack/stack.ts';
import { SAMPLE_PASSWORD } from '../stack/twins.ts';
import { findProgram } from './program.harness.ts';

const executablePath = findProgram('chromium');

/** Prevents Debian's Chromium from calling out, and lets it run as root. */
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-sync',
  '--no-first-run',
];

const suite = executablePath || process.env.CI === 'true' ? describe : describe.skip;

suite('in a real browser [needs chromium]', () => {
  let stack: Stack;
  let browser: Browser;

  beforeAll(async () => {
    stack = await startStack({
      postgresUrl: process.env.FOYER_TEST_POSTGRES_URL,
      template: 'foyer_template',
      env: { provisioner: { RETRY_BASE_MS: '300', BOX_TIMEOUT_MS: '4000' } },
    });
    browser = await chromium.launch({ executablePath, args: flags });
  });
  afterAll(async () => {
    await browser?.close();
    await stack?.stop();
  });
  afterEach(() => stack.box.clearFaults());

  /** A page of a browser of its own, and every error that it reported. */
  const open = async (options: BrowserContextOptions = {}) => {
    const page = await (await browser.newContext(options)).newPage();
    const complaints: string[] = [];
    page.on('console', (message) => {
      const ours = message.location().url.startsWith(stack.urls.gateway);
      if (ours && ['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    return { page, complaints };
  };
  const newPerson = async (name: string) => {
    const login = `${randomUUID().slice(0, 8)}@example.com`;
    return stack.okta.addPerson({ login, email: login, name, status: 'ACTIVE', assigned: true });
  };
  const signIn = async (page: Page, username: string) => {
    await page.goto(stack.urls.gateway);
    await page
      .getByRole('link', { name: 'Sign in' })
      .or(page.getByRole('button', { name: 'Sign in' }))
      .click();
    await page.getByLabel('Username').fill(username);
    await page.getByLabel('Password').fill(SAMPLE_PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
  };

  it('signs a person in, shows their files, and signs them out of Okta too', async () => {
    const { page, complaints } = await open();
    const person = await newPerson('Bea Example');
    await signIn(page, person.login);
    await page.getByRole('heading', { level: 1, name: 'New user created: Bea Example' }).waitFor();
    await page.getByText('There are no files in your Box account yet.').waitFor();
    const boxUserId = await page.locator('[data-box-user-id]').textContent();
    const user = (await stack.box.state()).users.find(({ externalId }) => externalId === person.id);
    expect(boxUserId).toContain(user!.id);

    await stack.box.seed({ files: [{ userId: user!.id, path: '<i>Plan & budget.pdf' }] });
    await page.reload();
    await page.getByText('<i>Plan & budget.pdf').waitFor();

    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { level: 1, name: 'You are signed out' }).waitFor();
    await page.goto(`${stack.urls.gateway}/login`);
    await page.getByLabel('Password').waitFor();
    expect(complaints).toEqual([]);
  });

  it('shows long names on a phone without breaking the labels, opens a folder and downloads a file', async () => {
    const { page, complaints } = await open({ viewport: { width: 390, height: 800 } });
    const person = await newPerson('Fay Example');
    await signIn(page, person.login);
    await page.getByRole('heading', { level: 1, name: 'New user created: Fay Example' }).waitFor();
    const user = (await stack.box.state()).users.find(({ externalId }) => externalId === person.id);
    const paths = ['Inner/Plan.pdf', `${'long'.repeat(40)}.pdf`, `${'Several words '.repeat(15)}.pdf`];
    await stack.box.seed({ files: paths.map((path) => ({ userId: user!.id, path })) });
    await page.reload();
    for (const row of await page.locator('ul.files li').all()) {
      const [name, kind] = [
        await row.locator('.item').boundingBox(),
        await row.locator('.kind').boundingBox(),
      ];
      expect(kind!.height).toBeLessThan(30);
      expect(name!.x + name!.width).toBeLessThanOrEqual(kind!.x);
    }
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);

    await page.getByRole('link', { name: 'Inner' }).click();
    await page.getByRole('heading', { level: 1, name: 'Inner' }).waitFor();
    const download = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Plan.pdf' }).click();
    expect((await download).suggestedFilename()).toBe('Plan.pdf');
    expect(complaints).toEqual([]);
  });

  it.each([
    ['with its script', true],
    ['without JavaScript', false],
  ])('follows a slow Box to the end %s', async (_how, javaScriptEnabled) => {
    const { page, complaints } = await open({ javaScriptEnabled });
    const person = await newPerson('Cora Example');
    await stack.box.fault({ kind: 'slow', delayMs: 3_500, match: { method: 'POST', externalId: person.id } });
    await signIn(page, person.login);
    await page.getByRole('heading', { level: 1, name: 'One moment, Cora Example' }).waitFor();
    await page.getByRole('heading', { level: 1, name: 'New user created: Cora Example' }).waitFor();
    expect(complaints).toEqual([]);
  });

  it('says in plain words what failed, and retries when the person asks for it', async () => {
    const { page } = await open();
    const person = await newPerson('Dora Example');
    await stack.box.fault({ kind: 'status', status: 403, match: { method: 'POST', externalId: person.id } });
    await signIn(page, person.login);
    await page.getByRole('heading', { level: 1, name: 'Your Box account could not be prepared' }).waitFor();
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('heading', { level: 1, name: /(New user created:|Hello) Dora Example/ }).waitFor();
    expect((await stack.box.state()).users.filter(({ externalId }) => externalId === person.id)).toHaveLength(
      1,
    );
  });

  it('explains a refusal by Okta and offers to sign in as another person', async () => {
    const { page } = await open();
    await signIn(page, 'unassigned@example.com');
    await page.getByRole('heading', { level: 1, name: 'You cannot sign in here' }).waitFor();
    await page.getByRole('link', { name: /someone else|somebody else/i }).click();
    await page.getByLabel('Password').waitFor();
  });

  it('has API docs that work under the strict policy', async () => {
    const { page, complaints } = await open();
    await page.goto(`${stack.urls.gateway}/docs`);
    await page.getByText('/v1/provisioning-requests/{id}', { exact: true }).first().waitFor();
    expect(complaints).toEqual([]);
  });
});
