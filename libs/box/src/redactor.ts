import { toLine } from '@foyer/shared';

/** A JWT, such as the assertion we sign for a token. */
const jwt = /eyJ[\w-]+\.[\w-]+\.[\w-]*/g;
const HIDDEN = '[redacted]';
const TOKENS_REMEMBERED = 4;

/**
 * Makes text from Box fit to be logged and shown: one line, short, no markup, and none of our secrets should Box ever
 * echo one. What is logged is picked field by field anyway; this is the second lock.
 */
export class Redactor {
  readonly #secrets: readonly string[];
  #tokens: readonly string[] = [];

  constructor(secrets: readonly string[]) {
    this.#secrets = secrets.filter((secret) => secret !== '');
  }

  /** Keeps an access token out from now on. */
  learn(token: string): void {
    this.#tokens = [token, ...this.#tokens].slice(0, TOKENS_REMEMBERED);
  }

  /** At most `max` UTF-16 units. */
  line(text: string, max: number): string {
    let clean = text;
    for (const secret of [...this.#secrets, ...this.#tokens]) clean = clean.replaceAll(secret, HIDDEN);
    return toLine(clean.replace(jwt, HIDDEN).replace(/[<>]/g, ' '), max);
  }
}
