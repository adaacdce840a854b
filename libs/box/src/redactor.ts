import { toLine } from '@foyer/shared';

/** A JWT, such as the assertion that is signed for a token. */
const jwt = /eyJ[\w-]+\.[\w-]+\.[\w-]*/g;
const HIDDEN = '[redacted]';
const TOKENS_REMEMBERED = 4;

/**
 * Prepares text from Box for logs and people: one line, short, without markup, and without our secrets in case Box ever
 * echoes one. The logged fields are selected anyway; this is a second safeguard.
 */
export class Redactor {
  readonly #secrets: readonly string[];
  #tokens: readonly string[] = [];

  constructor(secrets: readonly string[]) {
    this.#secrets = secrets.filter((secret) => secret !== '');
  }

  /** Redacts this access token from now on. */
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
