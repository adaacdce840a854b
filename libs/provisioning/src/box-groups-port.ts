import type { BoxResult, CallContext } from './box-port.ts';
import type { BoxGroup } from './groups/group-model.ts';

/** Box's groups and memberships; each method as `BoxPort` says. */
export interface BoxGroupsPort {
  createGroup(
    context: CallContext,
    group: { name: string },
  ): Promise<BoxResult<{ readonly kind: 'created'; readonly group: BoxGroup } | { readonly kind: 'exists' }>>;
  findGroup(context: CallContext, name: string): Promise<BoxResult<BoxGroup | null>>;
  readGroup(context: CallContext, boxGroupId: string): Promise<BoxResult<BoxGroup | null>>;
  renameGroup(context: CallContext, boxGroupId: string, name: string): Promise<BoxResult<BoxGroup>>;
  deleteGroup(context: CallContext, boxGroupId: string): Promise<BoxResult<'deleted'>>;
  addMembership(
    context: CallContext,
    membership: { boxUserId: string; boxGroupId: string },
  ): Promise<
    BoxResult<{ readonly kind: 'added'; readonly membershipId: string } | { readonly kind: 'exists' }>
  >;
  findMembership(
    context: CallContext,
    membership: { boxUserId: string; boxGroupId: string },
  ): Promise<BoxResult<string | null>>;
  removeMembership(context: CallContext, membershipId: string): Promise<BoxResult<'removed'>>;
  listMemberships(
    context: CallContext,
    query: { boxGroupId: string; offset: number; limit: number },
  ): Promise<
    BoxResult<{
      readonly memberships: readonly { readonly id: string; readonly boxUserId: string }[];
      readonly nextOffset: number | null;
    }>
  >;
}
