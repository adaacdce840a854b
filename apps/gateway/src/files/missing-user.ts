import { Inject, Injectable } from '@nestjs/common';
import { BoxAccounts, TenantBoxApp } from '@foyer/persistence';
import type { BoxPort } from '@foyer/provisioning';
import type { ErrorCode } from '@foyer/shared';
import { BOX, LOGGER, type Parts } from '../parts.ts';

/** What Box answers when it is asked to act as somebody whom this app does not see: deleted, or another app's. */
const doubtful: ReadonlySet<ErrorCode> = new Set(['box_forbidden', 'not_found']);

/** Finds out why Box does not act as a person. */
@Injectable()
export class MissingUser {
  constructor(
    private readonly boxApp: TenantBoxApp,
    private readonly accounts: BoxAccounts,
    @Inject(BOX) private readonly box: BoxPort,
    @Inject(LOGGER) private readonly logger: Parts['logger'],
  ) {}

  /**
   * Why Box refused with `code` to act as this user: `box_user_missing` when reading the user says the same, which is then on
   * record; `box_app_changed` when the app that asks is not the one that the user belongs to; else the code itself.
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
