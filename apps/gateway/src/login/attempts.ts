import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { UsedSignIns } from '@foyer/persistence';
import type { CookieOptions, Request, Response } from 'express';
import { EncryptJWT, jwtDecrypt } from 'jose';
import { z } from 'zod';
import { CONFIG, type ProcessContext } from '../context.ts';
import { tenantCookies } from '../sessions/tenant-cookies.ts';

/** A sign-in that was started and not finished: what the callback needs to verify the response. */
const Attempt = z.object({
  state: z.string().min(1),
  nonce: z.string().min(1),
  verifier: z.string().min(43),
  returnTo: z.string().startsWith('/'),
});
export type Attempt = z.infer<typeof Attempt>;

const LIFE_SECONDS = 600;
/** The most sign-ins in progress per browser; the oldest is dropped. */
const MOST_OPEN = 5;
/** The characters of a state that `begin` makes. No other text may become the name of a cookie that is set. */
const STATE = /^[\w-]+$/;

/**
 * The browser keeps its attempts, each in an encrypted cookie of its own: tabs cannot disturb each other, even when two
 * start at the same moment; an attacker cannot fill a table; and only the browser that started an attempt can finish
 * it. The database records that an attempt was used, so a cookie that was copied earlier is refused even if the
 * provider accepts a code twice.
 */
@Injectable()
export class Attempts {
  private readonly keys: readonly Uint8Array[];
  private readonly prefix: string;
  private readonly options: CookieOptions;

  constructor(
    @Inject(CONFIG) config: ProcessContext['config'],
    private readonly used: UsedSignIns,
  ) {
    const { name, keys, secure } = tenantCookies(config);
    this.keys = keys('attempt');
    this.prefix = `${name('foyer-login')}-`;
    this.options = { httpOnly: true, sameSite: 'lax', path: '/', secure };
  }

  /** Returns the attempt's `state`. */
  async begin(req: Request, res: Response, attempt: Omit<Attempt, 'state'>): Promise<string> {
    // The state starts with the time, so that names sort by age.
    const state = `${Date.now().toString(36)}${randomBytes(24).toString('base64url')}`;
    for (const name of this.open(req).slice(0, -(MOST_OPEN - 1))) res.clearCookie(name, this.options);
    const sealed = await new EncryptJWT({ ...attempt, state })
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
      .setIssuedAt()
      .setExpirationTime(`${LIFE_SECONDS}s`)
      .encrypt(this.keys[0]!);
    res.cookie(this.prefix + state, sealed, { ...this.options, maxAge: LIFE_SECONDS * 1000 });
    return state;
  }

  /** Returns the attempt with this state, once; null when this browser has none, or when it is too old. */
  async take(req: Request, res: Response, state: string): Promise<Attempt | null> {
    if (!STATE.test(state)) return null;
    const name = this.prefix + state;
    const sealed = cookiesOf(req).get(name);
    if (sealed === undefined) return null;
    res.clearCookie(name, this.options);
    const attempt = await this.unseal(sealed);
    if (attempt?.state !== state) return null;
    return (await this.used.use(state, LIFE_SECONDS)) ? attempt : null;
  }

  private async unseal(sealed: string): Promise<Attempt | null> {
    for (const key of this.keys) {
      try {
        const { payload } = await jwtDecrypt(sealed, key, {
          keyManagementAlgorithms: ['dir'],
          contentEncryptionAlgorithms: ['A256GCM'],
          requiredClaims: ['exp'],
        });
        return Attempt.parse(payload);
      } catch {
        // Another key may have encrypted the cookie; otherwise it is not ours, or too old.
      }
    }
    return null;
  }

  private open(req: Request): string[] {
    const isOurs = (name: string) =>
      name.startsWith(this.prefix) && STATE.test(name.slice(this.prefix.length));
    return [...cookiesOf(req).keys()].filter(isOurs).sort();
  }
}

function cookiesOf(req: Request): Map<string, string> {
  const pairs = (req.headers.cookie ?? '').split(';').map((pair) => {
    const [name = '', ...value] = pair.split('=');
    return [name.trim(), value.join('=').trim()] as const;
  });
  return new Map(pairs);
}
