import type { BoxResult, CallContext } from '@foyer/provisioning';
import type { TokenGrant } from './wire.ts';

interface Token {
  readonly value: string;
  /** Times on the monotonic clock, in milliseconds. */
  readonly renewAt: number;
  readonly uselessAt: number;
}

const RENEW_BEFORE_MS = 60_000;
const USELESS_BEFORE_MS = 5_000;

/**
 * The one access token of this process. Fetched once however many wait for it. Renewed beside the calls from 60 s before
 * its end (or the last tenth of a short life), so that in steady use no call waits for a token or meets a 401.
 */
export class TokenSource {
  readonly #request: (context: CallContext) => Promise<BoxResult<TokenGrant>>;
  readonly #now: () => number;
  #current: Token | null = null;
  #flight: Promise<BoxResult<string>> | null = null;

  constructor(
    request: (context: CallContext) => Promise<BoxResult<TokenGrant>>,
    now: () => number = () => performance.now(),
  ) {
    this.#request = request;
    this.#now = now;
  }

  /** A token good for some seconds at least. `context`: on whose account a request for one is logged. */
  async get(context: CallContext): Promise<BoxResult<string>> {
    const token = this.#current;
    const now = this.#now();
    if (token === null || now >= token.uselessAt) return this.#renew(context);
    // Should it fail: the token at hand still works, and the next call tries again.
    if (now >= token.renewAt) this.#renew(context).catch(() => undefined);
    return { ok: true, value: token.value };
  }

  /** Box refused this token. One fetched since is kept. */
  forget(value: string): void {
    if (this.#current?.value === value) this.#current = null;
  }

  /** Waits for a request under way. */
  async settle(): Promise<void> {
    await this.#flight?.catch(() => undefined);
  }

  #renew(context: CallContext): Promise<BoxResult<string>> {
    this.#flight ??= this.#fetch(context).finally(() => {
      this.#flight = null;
    });
    return this.#flight;
  }

  async #fetch(context: CallContext): Promise<BoxResult<string>> {
    const asked = this.#now();
    const grant = await this.#request(context);
    if (!grant.ok) return grant;
    const life = grant.value.expires_in * 1000;
    this.#current = {
      value: grant.value.access_token,
      renewAt: asked + life - Math.min(RENEW_BEFORE_MS, life * 0.1),
      uselessAt: asked + life - Math.min(USELESS_BEFORE_MS, life * 0.05),
    };
    return { ok: true, value: this.#current.value };
  }
}
