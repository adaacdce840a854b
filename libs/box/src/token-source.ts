import type { BoxFault, BoxResult, CallContext } from '@foyer/provisioning';
import type { Chance } from './options.ts';
import type { TokenGrant } from './wire.ts';

interface Token {
  readonly value: string;
  /** Times on the monotonic clock, in milliseconds. */
  readonly renewAt: number;
  readonly uselessAt: number;
}

const RENEW_BEFORE_MS = 60_000;
const USELESS_BEFORE_MS = 5_000;
/** The first pause after refused credentials; it doubles, because many calls wait and Box must not be flooded. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
/** Calls that wait for the same moment are spread over this additional share of the wait. */
const SPREAD_SHARE = 0.25;

const processChance: Chance = { now: () => performance.now(), random: () => Math.random() };

/**
 * The one access token of this process. It is requested once for all waiting calls, and renewed in the background from
 * 60 s before its end (or the last tenth of a short life), so that in steady use no call waits for a token or gets a
 * 401. While Box refuses our credentials it is asked only at growing intervals, each time with a new request.
 */
export class TokenSource {
  readonly #request: (context: CallContext) => Promise<BoxResult<TokenGrant>>;
  readonly #now: () => number;
  readonly #random: () => number;
  #current: Token | null = null;
  #flight: Promise<BoxResult<string>> | null = null;
  #refusal: { readonly fault: BoxFault; readonly pauseMs: number; readonly until: number } | null = null;

  constructor(
    request: (context: CallContext) => Promise<BoxResult<TokenGrant>>,
    { now, random }: Chance = processChance,
  ) {
    this.#request = request;
    this.#now = now;
    this.#random = random;
  }

  /** A token that is valid for some more seconds. `context`: what a token request is logged for. */
  async get(context: CallContext): Promise<BoxResult<string>> {
    const token = this.#current;
    const now = this.#now();
    const isRefused = this.#refusal !== null && now < this.#refusal.until;
    if (token !== null && now < token.uselessAt) {
      // If the renewal fails, the current token still works, and the next call tries again.
      if (now >= token.renewAt && !isRefused) this.#renew(context).catch(() => undefined);
      return { ok: true, value: token.value };
    }
    return isRefused ? { ok: false, fault: this.#refusedFault(now) } : this.#renew(context);
  }

  /**
   * Box refuses our credentials, or a new token: no request is sent for a while. Returns the fault with the time to
   * wait.
   */
  refuse(fault: BoxFault): BoxFault {
    const now = this.#now();
    const pauseMs = Math.min((this.#refusal?.pauseMs ?? FIRST_PAUSE_MS / 2) * 2, LONGEST_PAUSE_MS);
    this.#refusal = { fault, pauseMs, until: now + pauseMs };
    return this.#refusedFault(now);
  }

  /** Box accepted a token. */
  accept(): void {
    this.#refusal = null;
  }

  #refusedFault(now: number): BoxFault {
    const { fault, until } = this.#refusal!;
    return { ...fault, retryAfterMs: Math.ceil((until - now) * (1 + SPREAD_SHARE * this.#random())) };
  }

  /** Box refused this token. A newer one is kept. */
  forget(value: string): void {
    if (this.#current?.value === value) this.#current = null;
  }

  /** Waits for a token request under way. */
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
    if (!grant.ok)
      return grant.fault.code === 'box_auth_failed' ? { ok: false, fault: this.refuse(grant.fault) } : grant;
    const life = grant.value.expires_in * 1000;
    this.#current = {
      value: grant.value.access_token,
      renewAt: asked + life - Math.min(RENEW_BEFORE_MS, life * 0.1),
      uselessAt: asked + life - Math.min(USELESS_BEFORE_MS, life * 0.05),
    };
    return { ok: true, value: this.#current.value };
  }
}
