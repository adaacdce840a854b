import { startGateway, type TestGateway } from '../testing/gateway.harness.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway({ env: { BOX_CLIENT_SECRET: 'not-the-secret-of-the-box-app' } });
});
afterAll(() => gateway.close());

const ready = async () => {
  const answer = await fetch(`${gateway.url}/readyz`);
  const { warnings } = (await answer.json()) as { warnings?: Record<string, string> };
  return { status: answer.status, warning: warnings?.['box'] };
};
const hasMetric = async () =>
  (await (await fetch(`${gateway.url}/metrics`)).text()).includes('foyer_box_credentials_refused_seconds');

it('warns while Box refuses the credentials, and stays ready: people can still sign in', async () => {
  expect(await ready()).toEqual({ status: 200, warning: undefined });
  const context = { requestId: null, identityId: null, lease: null };
  expect(await gateway.context.tenant.box.findUser(context, '00uAda')).toMatchObject({
    ok: false,
    fault: { code: 'box_auth_failed' },
  });
  expect(await ready()).toEqual({
    status: 200,
    warning: expect.stringMatching(/^Box has refused our credentials for \d+ s\. /) as string,
  });
  expect(await hasMetric()).toBe(true);
});

it('shows a background task that has failed for more than a minute, and stays ready', async () => {
  const lastError = 'The table is locked.';
  gateway.context.tasks.add({
    name: 'sweeping',
    start: async () => {},
    stop: async () => {},
    state: () => ({ failingMs: 61_000, roundMs: 0, lastError }),
  });
  const answer = await fetch(`${gateway.url}/readyz`);
  expect(answer.status).toBe(200);
  expect(await answer.json()).toMatchObject({
    warnings: { sweeping: `Its rounds have failed for 61 s. The last error: ${lastError}` },
  });
  const page = await (await fetch(`${gateway.url}/metrics`)).text();
  expect(page).toContain('foyer_background_task_failing_seconds{task="sweeping",app="gateway"} 61');
});
