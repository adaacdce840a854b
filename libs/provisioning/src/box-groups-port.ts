import type { BoxResult, CallContext } from './box-port.ts';

export interface BoxGroup {
  readonly id: string;
  readonly name: string;
}

/** A create ends with the group, or with "it exists": Box does not say which group has the name. */
export type CreateGroupResult =
  { readonly kind: 'created'; readonly group: BoxGroup } | { readonly kind: 'exists' };

/** An add ends with the membership's id, or with "it exists": Box does not say under which id. */
export type AddMembershipResult =
  { readonly kind: 'added'; readonly membershipId: string } | { readonly kind: 'exists' };

/** Who, and in which group. */
export interface MembershipKey {
  readonly boxUserId: string;
  readonly boxGroupId: string;
}

/** A page of a group's members, in Box's order. `nextOffset` is null at the end. */
export interface MembershipPage {
  readonly memberships: readonly { readonly id: string; readonly boxUserId: string }[];
  readonly nextOffset: number | null;
}

/**
 * Groups of the Box enterprise, as far as Foyer uses them, on the terms of BoxPort: never repeated by itself, bounded in
 * time, paid for, logged before and after. Each method is one call to Box, but for the two that find: those walk pages of
 * 1000, each a call of its own.
 *
 * Groups and memberships are listed by offset only, and Box takes none over 10 000: what lies beyond 11 000 entries cannot
 * be seen, and asking for it is `box_invalid`. A page is not a snapshot: an entry taken away meanwhile moves the later ones
 * up, past a walk that is under way. Listings may lag behind a write.
 */
export interface BoxGroupsPort {
  /** POST /2.0/groups, without `provenance`: that would lock the group in Box's Admin Console. */
  createGroup(context: CallContext, group: { name: string }): Promise<BoxResult<CreateGroupResult>>;
  /** GET /2.0/groups?filter_term=, which matches beginnings: gives the group of exactly this name, or null. */
  findGroup(context: CallContext, name: string): Promise<BoxResult<BoxGroup | null>>;
  /** GET /2.0/groups/:id; null when there is none. */
  readGroup(context: CallContext, boxGroupId: string): Promise<BoxResult<BoxGroup | null>>;
  /** PUT /2.0/groups/:id. Safe to repeat. `box_group_conflict` when another group has the name, `box_group_missing`. */
  renameGroup(context: CallContext, boxGroupId: string, name: string): Promise<BoxResult<BoxGroup>>;
  /** DELETE /2.0/groups/:id, its memberships with it. Safe to repeat: a group that is not there counts as deleted. */
  deleteGroup(context: CallContext, boxGroupId: string): Promise<BoxResult<'deleted'>>;
  /** POST /2.0/group_memberships, as a plain member. `box_member_missing` when the user or the group is gone. */
  addMembership(context: CallContext, key: MembershipKey): Promise<BoxResult<AddMembershipResult>>;
  /** GET /2.0/users/:id/memberships; the membership's id, or null when there is none, or no such user. */
  findMembership(context: CallContext, key: MembershipKey): Promise<BoxResult<string | null>>;
  /** DELETE /2.0/group_memberships/:id. Safe to repeat: a membership that is not there counts as removed. */
  removeMembership(context: CallContext, membershipId: string): Promise<BoxResult<'removed'>>;
  /** GET /2.0/groups/:id/memberships. `limit` 1 to 1000, `offset` 0 to 10 000. `box_group_missing` when it is gone. */
  listMemberships(
    context: CallContext,
    query: { boxGroupId: string; offset: number; limit: number },
  ): Promise<BoxResult<MembershipPage>>;
}
