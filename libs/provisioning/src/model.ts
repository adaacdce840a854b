import type { ErrorCode, RequestOutcome } from '@foyer/shared';

/** What Box should have for an identity: the desired state, in Box's terms. */
export interface Desired {
  readonly identityId: string;
  /** Box's external_app_user_id: the Okta subject. */
  readonly externalId: string;
  /** Already fit for Box: 1 to 50 UTF-16 units. */
  readonly name: string;
  readonly active: boolean;
  /** The Box user is to be deleted, if it owns nothing; never together with `active`. Absent: no. */
  readonly isRemoved?: boolean;
  /** Absent: nothing is said of it. */
  readonly profile?: BoxProfile;
  readonly generation: number;
}

/**
 * What Box knows of a user besides name and status, within Box's lengths (Box API reference, create user). What is absent
 * was never said, or is not said any more.
 */
export interface BoxProfile {
  readonly language?: string;
  readonly timezone?: string;
  readonly jobTitle?: string;
  readonly phone?: string;
  readonly address?: string;
}

/** Which Box app, in which enterprise. App users belong to the app: another app sees none of them. */
export interface BoxApp {
  readonly clientId: string;
  readonly enterpriseId: string;
}

export type BoxUserStatus = 'active' | 'inactive';

/** The mapping as last applied. */
export interface BoxAccount {
  readonly boxUserId: string;
  readonly name: string;
  readonly status: BoxUserStatus;
  readonly appliedGeneration: number;
  /** Absent: the desired one. */
  readonly externalId?: string;
  /** As last sent to Box; absent: nothing was. */
  readonly profile?: BoxProfile;
  /** Box said that the user is gone; nobody has seen it since. Absent: no. */
  readonly isMissing?: boolean;
  /** An update that these say nothing of may have worked: Box has what they say, or what it set. Absent: no. */
  readonly isUncertain?: boolean;
}

/** A Box user as Box shows it. `status` other than inactive counts as active: Box's two read-only ones may sign in. */
export interface BoxUser {
  readonly id: string;
  readonly name: string;
  readonly login: string;
  readonly status: BoxUserStatus;
  readonly externalId: string | null;
  readonly isAppUser: boolean;
}

/**
 * How the last create of this identity ended, read from the call log; one that is unsettled counts as the last until the
 * mapping is there, whatever was tried after it:
 * - `refused`: Box surely made nothing (a 4xx other than 409, or it was never sent);
 * - `conflict`: Box says the user exists;
 * - `unsettled`: no outcome on record, an ambiguous one, or one whose mapping was never saved. Box may have made it.
 */
export type LastCreate = 'refused' | 'conflict' | 'unsettled';

/**
 * What Box last said of the external id of creates in doubt, read from the call log: the Box user that it named (as made,
 * by a 409, or by showing them), a 409 that named nobody, or that nobody has it. Kept from attempt to attempt, so that each needs one
 * answer of Box to get ahead, and not several in a row.
 */
export type LastWord =
  { readonly kind: 'taken'; readonly boxUserId: string | null } | { readonly kind: 'nobody' };

/** What this run has seen in Box since it began: kept in memory only, and looked at again after a restart. */
export interface Observed {
  /** A look-up's answer, by external id or by the id that a 409 named: the user, or null for none. */
  readonly found?: BoxUser | null;
  /** A 409 to our create: the id that it named, or null when it named none. */
  readonly conflict?: { readonly id: string | null };
  /** Box answered a change to the mapped user with 404. Believed once reading the user says the same. */
  readonly isGone?: boolean;
  /** Box does not delete the user, for it owns files. */
  readonly ownsContent?: boolean;
}

export interface Known {
  readonly account: BoxAccount | null;
  readonly lastCreate: LastCreate | null;
  /** The external id that a create which may have worked was sent with: the user is there under it. Absent: the desired one. */
  readonly begunAs?: string;
  /** What Box said since the first create that is in doubt. Absent: nothing yet. */
  readonly lastWord?: LastWord;
  readonly observed: Observed;
  /** What this request has done so far; null when nothing. */
  readonly effect: RequestOutcome | null;
  /** Whether this request may have a deleted Box user made again, by policy. Absent: no. */
  readonly mayRecreate?: boolean;
}

/** The next step. Steps with a Box call name what they send; the others only touch our own record. */
export type Step =
  | {
      readonly kind: 'create';
      readonly externalId: string;
      readonly name: string;
      readonly profile?: BoxProfile;
      /** Only where a create before it may have worked: then they exist, and this finds them. Absent: active. */
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
  /** The mapped user is gone from Box: put that on record. */
  | { readonly kind: 'mark-missing'; readonly boxUserId: string }
  /** Box shows the missing user again: the mapping stands, and what changed meanwhile is still to be applied. */
  | { readonly kind: 'restore'; readonly user: BoxUser }
  /** Gives the mapping to a deleted user up, so that a new one is made. */
  | { readonly kind: 'forget'; readonly boxUserId: string }
  | { readonly kind: 'finish'; readonly outcome: RequestOutcome }
  | { readonly kind: 'fail'; readonly code: ErrorCode; readonly detail: string };

/** What is left out stays as it is; an empty text clears. */
export interface BoxChange extends BoxProfile {
  readonly name?: string;
  readonly externalId?: string;
  readonly status?: BoxUserStatus;
}
