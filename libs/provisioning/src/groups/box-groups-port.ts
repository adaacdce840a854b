import type { BoxResult, CallContext } from '../people/box-port.ts';

export interface BoxGroup {
  readonly id: string;
  readonly name: string;
}

/** A create returns the group, or `exists`: Box does not say which group has the name. */
export type CreateGroupResult =
  { readonly kind: 'created'; readonly group: BoxGroup } | { readonly kind: 'exists' };

/** An add returns the membership's id, or `exists`: Box does not give the id of the existing membership. */
export type AddMembershipResult =
  { readonly kind: 'added'; readonly membershipId: string } | { readonly kind: 'exists' };

/** A user and a group. */
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
 * Groups of the Box enterprise, as far as Foyer uses them, with the rules of BoxPort: no automatic repeats, a time
 * limit, a permit for each call, logged before and after. Each method is one call to Box, except the two that find:
 * those read pages of 1000, one call each.
 *
 * Box lists groups and memberships by offset only, up to offset 10 000: entries beyond 11 000 cannot be read, and a
 * larger offset is `box_invalid`. A page is not a snapshot: when an entry is removed, the later ones move up, and a
 * listing under way can miss one. Listings may lag behind a write.
 */
export interface BoxGroupsPort {
  /** POST /2.0/groups, without `provenance`, which would lock the group in Box's Admin Console. */
  createGroup(context: CallContext, group: { name: string }): Promise<BoxResult<CreateGroupResult>>;
  /** GET /2.0/groups?filter_term=, which matches prefixes: returns the group with exactly this name, or null. */
  findGroup(context: CallContext, name: string): Promise<BoxResult<BoxGroup | null>>;
  /** GET /2.0/groups/:id; null when it does not exist. */
  readGroup(context: CallContext, boxGroupId: string): Promise<BoxResult<BoxGroup | null>>;
  /** PUT /2.0/groups/:id. Safe to repeat. `box_group_conflict` when another group has the name, `box_group_missing`. */
  renameGroup(context: CallContext, boxGroupId: string, name: string): Promise<BoxResult<BoxGroup>>;
  /** DELETE /2.0/groups/:id, with its memberships. Safe to repeat: a group that does not exist counts as deleted. */
  deleteGroup(context: CallContext, boxGroupId: string): Promise<BoxResult<'deleted'>>;
  /** POST /2.0/group_memberships, with role member. `box_member_missing` when the user or the group does not exist. */
  addMembership(context: CallContext, key: MembershipKey): Promise<BoxResult<AddMembershipResult>>;
  /** GET /2.0/users/:id/memberships; the membership's id, or null when the membership or the user does not exist. */
  findMembership(context: CallContext, key: MembershipKey): Promise<BoxResult<string | null>>;
  /** DELETE /2.0/group_memberships/:id. Safe to repeat: a membership that does not exist counts as removed. */
  removeMembership(context: CallContext, membershipId: string): Promise<BoxResult<'removed'>>;
  /**
   * GET /2.0/groups/:id/memberships. `limit` 1 to 1000, `offset` 0 to 10 000. `box_group_missing` when it does not
   * exist.
   */
  listMemberships(
    context: CallContext,
    query: { boxGroupId: string; offset: number; limit: number },
  ): Promise<BoxResult<MembershipPage>>;
}
