import { clientError, commonError } from './errors.ts';

const windowMs = 60_000;

/** Box's general limit: calls per minute and user, where the user is the token's. */
export class Limiter {
  readonly #windows = new Map<string, { from: number; count: number }>();

  /** Counts one call of a user; over the limit it refuses with 429 and the seconds until the window ends. */
  count(userId: string, perMinute: number | null, now: number): void {
    if (perMinute === null) return;
    let window = this.#windows.get(userId);
    if (!window || now >= window.from + windowMs) {
      window = { from: now, count: 0 };
      this.#windows.set(userId, window);
    }
    if (window.count >= perMinute) {
      const wait = Math.max(1, Math.ceil((window.from + windowMs - now) / 1000));
      const { code, message } = commonError(429);
      throw clientError(429, code, message, undefined, { 'retry-after': String(wait) });
    }
    window.count += 1;
  }

  clear(): void {
    this.#windows.clear();
  }
}
