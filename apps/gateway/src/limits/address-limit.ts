import type { Request } from 'express';
import { FoyerError } from '@foyer/shared';
import { RateLimiterMemory, RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import type { ProcessContext } from '../context.ts';
import { clientKey } from '../http/client-address.ts';

const WINDOW_SECONDS = 60;

/** How often one address may do something in a minute. Counted by all gateways together. */
export class AddressLimit {
  private readonly limiter: RateLimiterPostgres;

  /** `what`: a name of its own for each thing that is counted. */
  constructor(
    what: string,
    perMinute: number,
    { config, database }: Pick<ProcessContext, 'config' | 'database'>,
  ) {
    const limits = {
      keyPrefix: `${what} ${config.FOYER_TENANT}`,
      points: perMinute,
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

  /** Throws `too_many_requests` when the limit is used up; counts nothing. */
  async check(req: Request): Promise<void> {
    const counted = await this.limiter.get(clientKey(req));
    if (counted !== null && counted.consumedPoints >= this.limiter.points) throw tooMany(counted);
  }

  /** Throws `too_many_requests`, with the time until the next try may count. */
  async count(req: Request): Promise<void> {
    try {
      await this.limiter.consume(clientKey(req));
    } catch (refused) {
      if (!(refused instanceof RateLimiterRes)) throw refused;
      throw tooMany(refused);
    }
  }
}

const tooMany = ({ msBeforeNext }: RateLimiterRes): FoyerError =>
  new FoyerError('too_many_requests', undefined, { retryAfterMs: msBeforeNext });
