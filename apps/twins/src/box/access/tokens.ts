import { randomBytes } from 'node:crypto';

export interface Token {
  value: string;
  clientId: string;
  userId: string;
  expiresAt: number;
  /** Null: all rights that the app and the user have. */
  scopes: string[] | null;
  /** The item to which a downscoped token is restricted. */
  resource: { type: 'file' | 'folder'; id: string } | null;
  parent: Token | null;
}

/** Access tokens, and the ids of used assertions. */
export class Tokens {
  readonly #live = new Map<string, Token>();
  readonly #assertions = new Map<string, number>();
  issued = 0;

  issue(token: Omit<Token, 'value'>): Token {
    const value = `${token.scopes ? '1!' : ''}${randomBytes(24).toString('base64url')}`;
    const issued = { ...token, value };
    this.#live.set(value, issued);
    this.issued += 1;
    return issued;
  }

  /** The token, if it is known and not expired and its parent is valid. */
  find(value: string, now: number): Token | undefined {
    const token = this.#live.get(value);
    if (!token) return undefined;
    if (token.expiresAt <= now || (token.parent && !this.find(token.parent.value, now))) {
      this.#live.delete(value);
      return undefined;
    }
    return token;
  }

  revoke(value: string): void {
    this.#live.delete(value);
  }

  revokeUser(userId: string): void {
    for (const token of this.#live.values()) if (token.userId === userId) this.#live.delete(token.value);
  }

  liveCount(now: number): number {
    return [...this.#live.keys()].filter((value) => this.find(value, now)).length;
  }

  /** Stores an assertion's jti until it expires; false when it was used before. */
  useAssertion(clientId: string, jti: string, expiresAt: number, now: number): boolean {
    for (const [key, until] of this.#assertions) if (until <= now) this.#assertions.delete(key);
    const key = `${clientId} ${jti}`;
    if (this.#assertions.has(key)) return false;
    this.#assertions.set(key, expiresAt);
    return true;
  }

  clear(): void {
    this.#live.clear();
    this.#assertions.clear();
    this.issued = 0;
  }
}
