import { expect, test } from '@jest/globals';
import { startFaultProxy, type Fault, type FaultProxy } from '@foyer/testing';
import { personWords } from '@foyer/shared';
import { headingOf, type Browser, type Page } from '../testing/browser.harness.ts';
import { startGateway, type TestGateway } from '../testing/gateway.harness.ts';
import { OktaFront } from '../testing/okta-front.harness.ts';

/** The limit of one call to Okta that the manual states, and time for a busy machine. */
const CALL_MS = 5_000;
const SLACK_MS = 20_000;

const faults: readonly (Fault | 'cut')[] = ['cut', 'half-open', 'black-hole', 'trickle', 'eat-answers'];

/** A gateway of its own for each fault, because discovery and keys are cached. */
class FailingNetwork {
  readonly #logged: string[];

  private constructor(
    readonly fault: Fault | 'cut',
    readonly front: OktaFront,
    readonly proxy: FaultProxy,
    readonly gateway: TestGateway,
    logged: string[],
  ) {
    this.#logged = logged;
  }

  static async open(fault: Fault | 'cut'): Promise<FailingNetwork> {
    const logged: string[] = [];
    const front = await OktaFront.start();
    const proxy = await startFaultProxy(front.issuer);
    const issuer = proxy.url.replace(/\/$/, '');
    const gateway = await startGateway({
      front: { issuer, lead: (target) => front.lead(target) },
      onLog: (line) => logged.push(line),
    });
    return new FailingNetwork(fault, front, proxy, gateway, logged);
  }

  async close(): Promise<void> {
    await this.gateway.close();
    await this.proxy.close();
    await this.front.close();
  }

  /** Starts the fault when Okta has handled the request at `path`, before its response arrives. */
  #strike(path: string): void {
    this.front.alter(path, (answer) => {
      this.front.alter(path, undefined);
      if (this.fault === 'cut') this.proxy.cut();
      else this.proxy.set(this.fault);
      return answer;
    });
  }

  /** Expects the page of `okta_unavailable` within the limit of one call, and then ends the fault. */
  async expectAway(path: string, browser: Browser, work: () => Promise<Page>): Promise<void> {
    this.front.straight();
    this.#strike(path);
    const began = performance.now();
    const page = await work();
    const took = performance.now() - began;
    this.proxy.set(null);
    expect(this.front.countOf(path)).toBe(1);
    const { heading, person } = personWords.okta_unavailable;
    expect([page.status, headingOf(page)]).toEqual([503, heading]);
    expect(page.text).toContain(person);
    expect(page.headers.get('retry-after')).toBe('10');
    expect(took).toBeLessThan(CALL_MS + SLACK_MS);
    const reference = page.headers.get('x-request-id') ?? 'none';
    const codes = this.#logged.filter(
      (line) => line.includes(reference) && line.includes('"code":"okta_unavailable"'),
    );
    expect(codes).toHaveLength(1);
    expect(await browser.cookies('foyer')).toEqual([]);
  }
}

// At the same time, because most of each case is the wait for an answer that does not come.
test.concurrent.each(faults)(
  'while the network to Okta fails (%s), a sign-in ends in time at each step, and the next one needs no restart',
  async (fault) => {
    const network = await FailingNetwork.open(fault);
    try {
      const { gateway } = network;
      const first = gateway.browser();
      await network.expectAway('/.well-known/openid-configuration', first, () => first.open('/login'));

      const second = gateway.browser();
      const callback = await second.callbackFor('ada@example.com');
      await network.expectAway('/v1/token', second, () => second.open(callback));

      const third = gateway.browser();
      const again = await third.callbackFor('ada@example.com');
      await network.expectAway('/v1/keys', third, () => third.open(again));

      const page = await gateway.browser().signIn('ada@example.com');
      expect([page.status, headingOf(page)]).toEqual([200, 'New user created: Ada Example']);
    } finally {
      await network.close();
    }
  },
);
