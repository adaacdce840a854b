import type { TokenChanges } from '../../requests/request-watch.ts';

/**
 * How long a token may be kept, in milliseconds: a gateway whose connection for notifications hangs learns of a
 * revocation only when it looks the token up again.
 */
const MOST_AGE_MS = 2_000;
/** A tenant has a handful of tokens. */
const MOST_TOKENS = 1_000;

interface Kept<T> {
  readonly token: T;
  readonly until: number;
}

/**
 * Active tokens that were looked up lately, by their hash. Emptied by every change of a token, in any process, and while
 * no notifications of changes arrive nothing is kept.
 */
export class TokenCache<T extends { readonly secondsLeft: number }> {
  private readonly changes: TokenChanges;
  private readonly now: () => number;
  private readonly kept = new Map<string, Kept<T>>();
  private emptied = 0;

  /** `now`: a clock that never goes back, in milliseconds. */
  constructor(changes: TokenChanges, now: () => number = () => performance.now()) {
    this.changes = changes;
    this.now = now;
    changes.onTokenChange(() => this.empty());
  }

  empty(): void {
    this.emptied++;
    this.kept.clear();
  }

  /** The kept token, or else what `read` finds; it is kept when `isGood`. */
  async find(
    hash: string,
    read: () => Promise<T | undefined>,
    isGood: (token: T) => boolean,
  ): Promise<T | undefined> {
    const kept = this.kept.get(hash);
    const now = this.now();
    if (kept !== undefined && now < kept.until) return kept.token;
    const { emptied } = this;
    const token = await read();
    // A change during the read may be newer than what was read.
    const isCurrent = emptied === this.emptied && this.changes.isListening;
    if (token === undefined || !isCurrent || !isGood(token)) {
      this.kept.delete(hash);
      return token;
    }
    if (this.kept.size >= MOST_TOKENS) this.kept.clear();
    this.kept.set(hash, { token, until: now + Math.min(MOST_AGE_MS, token.secondsLeft * 1_000) });
    return token;
  }
}
