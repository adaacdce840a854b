import type { RequestCause, RequestOutcome } from '@foyer/shared';
import {
  boxDisplayName,
  type BoxAccount,
  type BoxProfile,
  type GroupLease,
  type LastCreate,
  type LastWord,
  type Lease,
  type Taken,
  type Unread,
} from '@foyer/provisioning';

/** The row of a take, whether the lease was acquired or not. The fields after `lease_token` are null without one. */
export interface LeaseRow {
  readonly holder_id: string;
  readonly ours: boolean;
  readonly is_free: boolean;
  readonly wait_ms: number | null;
  readonly lease_token: string | null;
  readonly is_started: boolean;
  readonly is_taken_over: boolean;
  readonly attempts: number;
  readonly failures: number;
}

export interface TakenRow extends LeaseRow {
  readonly subject: string;
  /** The external id of the person's Box user, fixed. */
  readonly own_external_id: string;
  readonly username: string;
  readonly name: string;
  readonly active: boolean;
  readonly generation: number;
  readonly effect: RequestOutcome | null;
  readonly box_user_id: string | null;
  readonly box_name: string | null;
  readonly box_status: 'active' | 'inactive' | null;
  readonly box_missing: boolean;
  readonly box_uncertain: boolean;
  readonly box_may_be_deleted: boolean;
  readonly cause: RequestCause;
  readonly applied_generation: number | null;
  readonly box_profile: BoxProfile;
  readonly is_removed: boolean;
  readonly box_external_id: string | null;
  readonly applied_profile: BoxProfile | null;
  readonly create_external_id: string | null;
  readonly word_operation: string | null;
  readonly word_named: string | null;
  readonly create_id: string | null;
  readonly create_result: 'ok' | 'refused' | 'failed' | 'ambiguous' | null;
  readonly create_status: number | null;
}

export function toTaken(lease: Lease, row: TakenRow, recreateDeleted: boolean): Taken {
  const account: BoxAccount | null =
    row.box_user_id === null
      ? null
      : {
          boxUserId: row.box_user_id,
          ...(row.box_external_id !== null && { externalId: row.box_external_id }),
          name: row.box_name!,
          profile: row.applied_profile!,
          status: row.box_status!,
          appliedGeneration: row.applied_generation!,
          ...(row.box_missing && { isMissing: true }),
          ...(row.box_uncertain && { isUncertain: true }),
          ...(row.box_may_be_deleted && { mayBeDeleted: true }),
        };
  return {
    lease,
    desired: {
      identityId: row.holder_id,
      externalId: row.own_external_id,
      name: boxDisplayName(row),
      active: row.active,
      isRemoved: row.is_removed,
      profile: row.box_profile,
      generation: row.generation,
    },
    account,
    lastCreate: toLastCreate(row),
    ...(row.create_external_id !== null && { begunAs: row.create_external_id }),
    ...(row.word_operation !== null && { lastWord: toLastWord(row.word_operation, row.word_named) }),
    attempts: row.attempts,
    failures: row.failures,
    effect: row.effect,
    mayRecreate: recreateDeleted && row.cause === 'sign-in',
    ...(row.is_taken_over && { isTakenOver: true }),
  };
}

export const toUnread = <L extends Lease | GroupLease>(
  lease: L,
  { attempts, failures, is_taken_over: isTakenOver }: LeaseRow,
): Unread<L> => ({
  ...{ lease, attempts, failures, isTakenOver },
});

/**
 * A create shows which user has the external id, or that one has it; a look-up shows which user has it, or that none
 * does.
 */
const toLastWord = (operation: string, named: string | null): LastWord =>
  named === null && operation !== 'create_user' ? { kind: 'nobody' } : { kind: 'taken', boxUserId: named };

/**
 * How the call log describes the last create; see `LastCreate`. A create that succeeded, but whose mapping is missing,
 * is as unsettled as one without an outcome, so Box is asked.
 */
export function toLastCreate(
  row: Pick<TakenRow, 'create_id' | 'create_result' | 'create_status'>,
): LastCreate | null {
  if (row.create_id === null) return null;
  if (row.create_result === 'refused') return row.create_status === 409 ? 'conflict' : 'refused';
  return row.create_result === 'failed' ? 'refused' : 'unsettled';
}
