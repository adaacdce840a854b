import type { ErrorCode, RequestOutcome } from '@foyer/shared';

/** What Box should have for an identity: the desired state, in Box's terms. */
export interface Desired {
  readonly identityId: string;
  /** Box's external_app_user_id: the Okta subject. */
  readonly externalId: string;
  /** Already valid for Box: 1 to 50 UTF-16 units. */
  readonly name: string;
  readonly active: boolean;
  /** The Box user should be deleted if it owns no content; never together with `active`. Absent: no. */
  readonly isRemoved?: boolean;
  /** Absent: no profile is set. */
  readonly profile?: BoxProfile;
  readonly generation: number;
}

/**
 * Box's optional fields of a user, within Box's lengths (Box API reference, create user). An absent field was never
 * set, or is no longer set.
 */
export interface BoxProfile {
  readonly language?: string;
  readonly timezone?: string;
  readonly jobTitle?: string;
  readonly phone?: string;
  readonly address?: string;
}

/** A Box app and its enterprise. App users belong to the app: another app cannot see them. */
export interface BoxApp {
  readonly clientId: string;
  readonly enterpriseId: string;
}

export type BoxUserStatus = 'active' | 'inactive';

/** The mapping and what was last applied. */
export interface BoxAccount {
  readonly boxUserId: string;
  readonly name: string;
  readonly status: BoxUserStatus;
  readonly appliedGeneration: number;
  /** Absent: the desired external id. */
  readonly externalId?: string;
  /** As last sent to Box; absent: nothing was sent. */
  readonly profile?: BoxProfile;
  /** Box answered that the user does not exist, and has not shown it since. Absent: no. */
  readonly isMissing?: boolean;
  /**
   * An update whose values are not stored here may have succeeded: Box has these values, or those of the update.
   * Absent: no.
   */
  readonly isUncertain?: boolean;
  /** A delete of ours may have succeeded. Absent: no. */
  readonly mayBeDeleted?: boolean;
}

/**
 * A Box user as Box shows it. Every `status` except inactive counts as active: users with Box's two read-only states
 * may sign in.
 */
export interface BoxUser {
  readonly id: string;
  readonly name: string;
  readonly login: string;
  readonly status: BoxUserStatus;
  readonly externalId: string | null;
  readonly isAppUser: boolean;
}

/**
 * How the last create of this identity ended, read from the call log. An unsettled create counts as the last one until
 * the mapping exists, whatever was tried later:
 * - `refused`: Box certainly made nothing (a 4xx other than 409, or the call was never sent);
 * - `conflict`: Box answered that the user exists;
 * - `unsettled`: no outcome recorded, an ambiguous one, or one whose mapping was never saved. Box may have made the
 *   user.
 */
export type LastCreate = 'refused' | 'conflict' | 'unsettled';

/**
 * Box's last answer about the external id of unsettled creates, read from the call log: the Box user that it named
 * (created, in a 409, or in a look-up), a 409 without a user, or that no user has the id. Kept between attempts, so
 * that each needs only one answer from Box to make progress.
 */
export type LastWord =
  { readonly kind: 'taken'; readonly boxUserId: string | null } | { readonly kind: 'nobody' };

/** What this attempt has seen in Box: kept in memory only, and read again after a restart. */
export interface Observed {
  /** The result of a look-up, by external id or by the id from a 409: the user, or null for none. */
  readonly found?: BoxUser | null;
  /** A 409 to our create: the id in it, or null when there was none. */
  readonly conflict?: { readonly id: string | null };
  /** Box answered a change to the mapped user with 404. Trusted only after reading the user gives the same result. */
  readonly isGone?: boolean;
  /** Box does not delete the user, because it owns files, or because of a retention policy or a legal hold. */
  readonly isKept?: boolean;
}

export interface Known {
  readonly account: BoxAccount | null;
  readonly lastCreate: LastCreate | null;
  /**
   * The external id of a create that may have succeeded, under which the user then exists. Absent: the desired external
   * id.
   */
  readonly begunAs?: string;
  /** Box's answer since the first unsettled create. Absent: none yet. */
  readonly lastWord?: LastWord;
  readonly observed: Observed;
  /** What this request has done so far, or null. */
  readonly effect: RequestOutcome | null;
  /** Whether the policy lets this request create a deleted Box user again. Absent: no. */
  readonly mayRecreate?: boolean;
}

/** The next step. Steps with a Box call contain what they send; the others change only our own database. */
export type Step =
  | {
      readonly kind: 'create';
      readonly externalId: string;
      readonly name: string;
      readonly profile?: BoxProfile;
      /**
       * Set only after an earlier create that may have succeeded: the user then exists, and this create finds it.
       * Absent: active.
       */
      readonly status?: 'inactive';
    }
  | { readonly kind: 'find'; readonly externalId: string }
  | { readonly kind: 'read'; readonly boxUserId: string }
  | { readonly kind: 'adopt'; readonly user: BoxUser; readonly effect: 'created' | 'adopted' }
  | {
      readonly kind: 'update';
      readonly boxUserId: string;
      readonly change: BoxChange;
      readonly effect: RequestOutcome;
    }
  | { readonly kind: 'confirm' }
  | { readonly kind: 'delete'; readonly boxUserId: string }
  /** The mapped user does not exist in Box: record that. */
  | { readonly kind: 'mark-missing'; readonly boxUserId: string }
  /** Box shows the missing user again: keep the mapping, and apply what changed since. */
  | { readonly kind: 'restore'; readonly user: BoxUser }
  /** Gives up the mapping to a deleted user, so that a new one is created. */
  | { readonly kind: 'forget'; readonly boxUserId: string }
  | { readonly kind: 'finish'; readonly outcome: RequestOutcome }
  | { readonly kind: 'fail'; readonly code: ErrorCode; readonly detail: string };

/** Absent fields stay as they are; an empty text clears. */
export interface BoxChange extends BoxProfile {
  readonly name?: string;
  readonly externalId?: string;
  readonly status?: BoxUserStatus;
}
