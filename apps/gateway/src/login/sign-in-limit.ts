import { Inject, Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { AddressLimit } from '../limits/address-limit.ts';
import { CONFIG, DATABASE, type ProcessContext } from '../context.ts';

/**
 * Limits how often one address may fail to sign in. Starts are not counted: any page can make a browser start many
 * sign-ins, and all people of an office may share one address. Only an address whose own attempts fail verification,
 * each at the cost of a call to Okta, is refused its next one.
 */
@Injectable()
export class SignInLimit {
  private readonly unverified: AddressLimit;
  private readonly refused: AddressLimit;

  constructor(
    @Inject(CONFIG) config: ProcessContext['config'],
    @Inject(DATABASE) database: ProcessContext['database'],
  ) {
    const parts = { config, database };
    this.unverified = new AddressLimit('sign-in-unverified', config.SIGN_IN_LIMIT_PER_MINUTE, parts);
    this.refused = new AddressLimit('sign-in', config.SIGN_IN_LIMIT_PER_MINUTE, parts);
  }

  /** Throws `too_many_requests` when too many sign-ins from this address failed verification. */
  async check(req: Request): Promise<void> {
    await this.unverified.check(req);
  }

  /** Counts a sign-in that failed verification. */
  async countUnverified(req: Request): Promise<void> {
    await this.unverified.count(req).catch(() => undefined);
  }

  /** Counts any refusal. Throws `too_many_requests` when there are too many to record each. */
  async countRefused(req: Request): Promise<void> {
    await this.refused.count(req);
  }
}
