import { leasedContext, MemoryCallLog } from '@foyer/provisioning/testing';
import { startFaultProxy, type Fault, type FaultProxy } from '@foyer/testing';
import { createBox, type Box } from './index.ts';
import { auth, json, ScriptedBox, user } from './scripted-box.harness.ts';

const TIMEOUT_MS = 1_500;
let server: ScriptedBox;
let proxy: FaultProxy;
let box: Box;

beforeEach(async () => {
  server = await ScriptedBox.start();
  proxy = await startFaultProxy(server.url);
  box = createBox({
    auth,
    baseUrl: new URL(proxy.url).origin,
    log: new MemoryCallLog(),
    timeoutMs: TIMEOUT_MS,
  });
});
afterEach(async () => {
  proxy.cut();
  await box.close();
  await proxy.close();
  await server.close();
});

const read = () => box.readUser(leasedContext(), '4711');
const answersFromNowOn = (): void => server.api(...Array.from({ length: 20 }, () => json(200, user)));

/** Reads until Box answers, and returns how many reads failed. */
async function failedReads(): Promise<number> {
  for (let lost = 0; ; lost++) {
    if ((await read()).ok) return lost;
    if (lost === 10) throw new Error('Box did not answer any of ten reads.');
  }
}

describe('the connections to Box', () => {
  it.each<Fault>(['half-open', 'black-hole', 'eat-answers', 'trickle'])(
    'cost one call its time limit and are replaced: %s',
    async (fault) => {
      answersFromNowOn();
      // The first call of a process may take longer than the limit of this test.
      await failedReads();
      proxy.set(fault);
      if (fault === 'half-open') proxy.set(null);
      expect((await read()).ok).toBe(false);
      proxy.set(null);
      expect(await failedReads()).toBe(0);
    },
  );

  it('are replaced when they were closed while idle', async () => {
    answersFromNowOn();
    await failedReads();
    proxy.cut();
    expect(await failedReads()).toBeLessThanOrEqual(1);
  });
});
