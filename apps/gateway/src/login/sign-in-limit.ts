import { Inject, Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { AddressLimit } from '../http/address-limit.ts';
import { CONFIG, DATABASE, type Parts } from '../parts.ts';

/**
 * How often one address may fail at a sign-in. Starts are not counted, for any page can make a browser start as many as it
 * likes, and an office has one address. Only who fails with an attempt of their own, which costs a call to Okta, is kept from
 * the next one.
 */
@Injectable()
export class SignInLimit {
  private readonly unverified: AddressLimit;
  private readonly refused: AddressLimit;

  constructor(@Inject(CONFIG) config: Parts['config'], @Inject(DATABASE) database: Parts['database']) {
    const parts = { config, database };
    this.unverified = new AddressLimit('sign-in-unverified', config.SIGN_IN_LIMIT_PER_MINUTE, parts);
    this.refused = new AddressLimit('sign-in', config.SIGN_IN_LIMIT_PER_MINUTE, parts);
  }

  /** Throws `too_many_requests` when this address came back too often with what could not be verified. */
  async check(req: Request): Promise<void> {
    await this.unverified.check(req);
  }

  /** Counts a sign-in that could not be verified. */
  async countUnverified(req: Request): Promise<void> {
    await this.unverified.count(req).catch(() => undefined);
  }

  /** Counts a refusal of any kind. Throws `too_many_requests` when there are too many to write all of them down. */
  async countRefused(req: Request): Promise<void> {
    await this.refused.count(req);
  }
}
