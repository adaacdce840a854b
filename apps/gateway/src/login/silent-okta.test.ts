import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startFaultProxy, type Fault, type FaultProxy } from '@foyer/provisioning/testing';
import { personWords } from '@foyer/shared';
import { headingOf, type Browser, type Page } from '../testing/browser.harness.ts';
import { startGateway, type TestGateway } from '../testing/gateway.harness.ts';
import { OktaFront } from '../testing/okta-front.harness.ts';

/** The limit of one call to Okta that the manual states, and time for a busy machine. */
const CALL_MS = 5_000;
const SLACK_MS = 4_000;

const faults: readonly (Fault | 'cut')[] = ['cut', 'half-open', 'black-hole', 'trickle', 'eat-answers'];

// Discovery and keys are cached, so each fault gets a gateway that has fetched neither.
describe.each(faults)('while the network to Okta fails: %s', (fault) => {
  const logged: string[] = [];
  let front: OktaFront;
  let proxy: FaultProxy;
  let gateway: TestGateway;

  beforeAll(async () => {
    front = await OktaFront.start();
    proxy = await startFaultProxy(front.issuer);
    const issuer = proxy.url.replace(/\/$/, '');
    gateway = await startGateway({
      front: { issuer, lead: (target) => front.lead(target) },
      onLog: (line) => logged.push(line),
    });
  });
  afterAll(async () => {
    await gateway.close();
    await proxy.close();
    await front.close();
  });

  /** Has the fault begin when Okta has done what was asked at `path`, and its answer is on the way. */
  const strike = (path: string): void => {
    front.alter(path, (answer) => {
      front.alter(path, undefined);
      if (fault === 'cut') proxy.cut();
      else proxy.set(fault);
      return answer;
    });
  };

  /** Expects the page of `okta_unavailable` within the limit of one call, and then ends the fault. */
  const expectAway = async (path: string, browser: Browser, work: () => Promise<Page>): Promise<void> => {
    front.straight();
    strike(path);
    const began = performance.now();
    const page = await work();
    const took = performance.now() - began;
    proxy.set(null);
    expect(front.countOf(path)).toBe(1);
    const { heading, person } = personWords.okta_unavailable;
    expect([page.status, headingOf(page)]).toEqual([503, heading]);
    expect(page.text).toContain(person);
    expect(page.headers.get('retry-after')).toBe('10');
    expect(took).toBeLessThan(CALL_MS + SLACK_MS);
    const reference = page.headers.get('x-request-id') ?? 'none';
    const codes = logged.filter(
      (line) => line.includes(reference) && line.includes('"code":"okta_unavailable"'),
    );
    expect(codes).toHaveLength(1);
    expect(await browser.cookies('foyer')).toEqual([]);
  };

  test('a sign-in ends in time at each step, and the next one needs no restart', async () => {
    const first = gateway.browser();
    await expectAway('/.well-known/openid-configuration', first, () => first.open('/login'));

    const second = gateway.browser();
    const callback = await second.callbackFor('ada@example.com');
    await expectAway('/v1/token', second, () => second.open(callback));

    const third = gateway.browser();
    const again = await third.callbackFor('ada@example.com');
    await expectAway('/v1/keys', third, () => third.open(again));

    const page = await gateway.browser().signIn('ada@example.com');
    expect([page.status, headingOf(page)]).toEqual([200, 'New user created: Ada Example']);
  });
});
