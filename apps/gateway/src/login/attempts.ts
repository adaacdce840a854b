import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { UsedSignIns } from '@foyer/persistence';
import type { CookieOptions, Request, Response } from 'express';
import { EncryptJWT, jwtDecrypt } from 'jose';
import { z } from 'zod';
import { CONFIG, type Parts } from '../parts.ts';
import { tenantCookies } from '../sessions/tenant-cookies.ts';

/** A sign-in that was begun and not finished: what the callback needs to trust what comes back. */
const Attempt = z.object({
  state: z.string().min(1),
  nonce: z.string().min(1),
  verifier: z.string().min(43),
  returnTo: z.string().startsWith('/'),
});
export type Attempt = z.infer<typeof Attempt>;

const LIFE_SECONDS = 600;
/** As many tabs may sign in at once; the oldest gives way. */
const MOST_OPEN = 5;
/** What `begin` makes. Other text may not be the name of a cookie that is set. */
const STATE = /^[\w-]+$/;

/**
 * Attempts are kept by the browser, each in an encrypted cookie of its own: any number of tabs, even two that begin in the
 * same moment, cannot disturb each other, strangers fill no table, and only the browser that began can finish. Each is good
 * once, on record in the database: whoever copied the cookie before is too late, even if the provider took a code twice.
 */
@Injectable()
export class Attempts {
  private readonly keys: readonly Uint8Array[];
  private readonly prefix: string;
  private readonly options: CookieOptions;

  constructor(
    @Inject(CONFIG) config: Parts['config'],
    private readonly used: UsedSignIns,
  ) {
    const { name, keys, secure } = tenantCookies(config);
    this.keys = keys('attempt');
    this.prefix = `${name('foyer-login')}-`;
    this.options = { httpOnly: true, sameSite: 'lax', path: '/', secure };
  }

  /** Gives the attempt's `state`. */
  async begin(req: Request, res: Response, attempt: Omit<Attempt, 'state'>): Promise<string> {
    // Begins with the time, so that names sort by age.
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

  /** The attempt with this state, once; null when this browser has none, or it is too old. */
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
        // Another key may have sealed it; otherwise it is none of ours, or too old.
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
