import { Inject, Injectable } from '@nestjs/common';
import { FoyerError } from '@foyer/shared';
import type { Request } from 'express';
import { RateLimiterMemory, RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import { clientKey } from '../http/client-address.ts';
import { CONFIG, DATABASE, type Parts } from '../parts.ts';

const WINDOW_SECONDS = 60;

/** How often one address may begin a sign-in, or come back with one that fails. Counted by all gateways together. */
@Injectable()
export class SignInLimit {
  private readonly limiter: RateLimiterPostgres;

  constructor(@Inject(CONFIG) config: Parts['config'], @Inject(DATABASE) database: Parts['database']) {
    const limits = {
      keyPrefix: `sign-in ${config.FOYER_TENANT}`,
      points: config.SIGN_IN_LIMIT_PER_MINUTE,
      duration: WINDOW_SECONDS,
    };
    this.limiter = new RateLimiterPostgres({
      ...limits,
      storeClient: database.pool,
      storeType: 'pool',
      tableName: 'rate_limit',
      tableCreated: true,
      // Who is over the limit is not worth a query; and while the database is away, each gateway counts alone.
      inMemoryBlockOnConsumed: limits.points + 1,
      insuranceLimiter: new RateLimiterMemory(limits),
    });
  }

  /** Throws `too_many_requests`, with the time until the next try may count. */
  async count(req: Request): Promise<void> {
    try {
      await this.limiter.consume(clientKey(req));
    } catch (refused) {
      if (!(refused instanceof RateLimiterRes)) throw refused;
      throw new FoyerError('too_many_requests', undefined, { retryAfterMs: refused.msBeforeNext });
    }
  }
}
