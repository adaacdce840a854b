import { Inject, Injectable } from '@nestjs/common';
import { BoxAccounts, TenantBoxApp } from '@foyer/persistence';
import type { BoxPort } from '@foyer/provisioning';
import type { ErrorCode } from '@foyer/shared';
import { BOX, LOGGER, type ProcessContext } from '../context.ts';

/** The errors with which Box refuses to act as a user whom this app cannot see: deleted, or another app's. */
const doubtful: ReadonlySet<ErrorCode> = new Set(['box_forbidden', 'not_found']);

/** Determines why Box refuses to act as a person. */
@Injectable()
export class MissingUser {
  constructor(
    private readonly boxApp: TenantBoxApp,
    private readonly accounts: BoxAccounts,
    @Inject(BOX) private readonly box: BoxPort,
    @Inject(LOGGER) private readonly logger: ProcessContext['logger'],
  ) {}

  /**
   * Returns why Box refused with `code` to act as this user: `box_user_missing` when a read confirms that the user
   * does not exist, which is then recorded; `box_app_changed` when the user belongs to another Box app; otherwise
   * `code` itself.
   */
  async explain(identityId: string, boxUserId: string, code: ErrorCode): Promise<ErrorCode> {
    if (!doubtful.has(code)) return code;
    if ((await this.boxApp.read()).differs) return 'box_app_changed';
    const read = await this.box.readUser({ requestId: null, identityId, lease: null }, boxUserId);
    if (!read.ok || read.value !== null) return code;
    if (await this.accounts.markMissing(identityId, boxUserId))
      this.logger.warn({ event: 'box-user-missing', identityId, boxUserId });
    return 'box_user_missing';
  }
}
