import { Inject, Injectable } from '@nestjs/common';
import { AddressLimit } from '../http/address-limit.ts';
import { CONFIG, DATABASE, type Parts } from '../parts.ts';

/** How often one address may begin a sign-in, or come back with one that fails. */
@Injectable()
export class SignInLimit extends AddressLimit {
  constructor(@Inject(CONFIG) config: Parts['config'], @Inject(DATABASE) database: Parts['database']) {
    super('sign-in', config.SIGN_IN_LIMIT_PER_MINUTE, { config, database });
  }
}
