import type {
  AddMembershipResult,
  BoxGroup,
  BoxGroupsPort,
  CreateGroupResult,
  MembershipKey,
  MembershipPage,
} from './box-groups-port.ts';
import type { BoxResult, CallContext } from '../people/box-port.ts';
import {
  bad,
  FakeCalls,
  good,
  invalid,
  notALimit,
  notAnId,
  type BoxMethod,
  type Call,
} from '../attempts/fake-calls.harness.ts';
import type { BoxUser } from '../people/model.ts';

export interface FakeMembership extends MembershipKey {
  readonly id: string;
}

const OFFSET_MAX = 10_000;
const NAME_MAX = 255;

/** The groups of a Box in memory, and their members. */
export abstract class FakeGroups extends FakeCalls implements BoxGroupsPort {
  readonly users = new Map<string, BoxUser>();
  readonly groups = new Map<string, BoxGroup>();
  readonly memberships = new Map<string, FakeMembership>();
  /** While true, listings and look-ups omit new entries, which Box does not rule out. */
  lookupLags = false;
  protected readonly unseen = new Set<string>();

  createGroup(context: CallContext, { name }: { name: string }): Promise<BoxResult<CreateGroupResult>> {
    const call = groupCall('createGroup', 'create_group', 'POST', '/groups', { name });
    return this.carryOut(context, call, isEmpty(name), () => {
      if (this.#withName(name)) return good(409, { kind: 'exists' });
      if (name.length > NAME_MAX) return bad(400, 'box_invalid', 'name: too long');
      return good(201, { kind: 'created', group: this.#addGroup(name) });
    });
  }

  findGroup(context: CallContext, name: string): Promise<BoxResult<BoxGroup | null>> {
    const call = groupCall('findGroup', 'find_group', 'GET', '/groups', { name, offset: 0, limit: 1000 });
    return this.carryOut(context, call, isEmpty(name), () => {
      const group = [...this.groups.values()].find((each) => each.name === name);
      return good(200, group && this.#isSeen(group) ? group : null);
    });
  }

  readGroup(context: CallContext, boxGroupId: string): Promise<BoxResult<BoxGroup | null>> {
    const call = groupCall('readGroup', 'read_group', 'GET', `/groups/${boxGroupId}`, { id: boxGroupId });
    return this.carryOut(context, call, notAnId(boxGroupId), () => {
      const group = this.groups.get(boxGroupId);
      return group ? good(200, group) : good(404, null);
    });
  }

  renameGroup(context: CallContext, boxGroupId: string, name: string): Promise<BoxResult<BoxGroup>> {
    const parameters = { id: boxGroupId, name };
    const call = groupCall('renameGroup', 'update_group', 'PUT', `/groups/${boxGroupId}`, parameters);
    return this.carryOut(context, call, notAnId(boxGroupId) ?? isEmpty(name), () => {
      if (!this.groups.has(boxGroupId)) return bad(404, 'box_group_missing', 'Not Found');
      const holder = this.#withName(name);
      if (holder && holder.id !== boxGroupId) return bad(409, 'box_group_conflict', 'Conflict');
      if (name.length > NAME_MAX) return bad(400, 'box_invalid', 'name: too long');
      const group = { id: boxGroupId, name };
      this.groups.set(boxGroupId, group);
      return good(200, group);
    });
  }

  deleteGroup(context: CallContext, boxGroupId: string): Promise<BoxResult<'deleted'>> {
    const parameters = { id: boxGroupId };
    const call = groupCall('deleteGroup', 'delete_group', 'DELETE', `/groups/${boxGroupId}`, parameters);
    return this.carryOut(context, call, notAnId(boxGroupId), () => {
      this.endMemberships((membership) => membership.boxGroupId === boxGroupId);
      return good(this.groups.delete(boxGroupId) ? 204 : 404, 'deleted');
    });
  }

  addMembership(context: CallContext, key: MembershipKey): Promise<BoxResult<AddMembershipResult>> {
    const { boxUserId, boxGroupId } = key;
    const parameters = { userId: boxUserId, groupId: boxGroupId };
    const call = groupCall('addMembership', 'add_membership', 'POST', '/group_memberships', parameters);
    return this.carryOut(context, call, notAKey(key), () => {
      if (!this.users.has(boxUserId) || !this.groups.has(boxGroupId)) {
        return bad(404, 'box_member_missing', 'Not Found');
      }
      if (this.#membershipOf(key)) return good(409, { kind: 'exists' });
      const id = this.nextId();
      this.memberships.set(id, { id, boxUserId, boxGroupId });
      if (this.lookupLags) this.unseen.add(id);
      return good(201, { kind: 'added', membershipId: id });
    });
  }

  findMembership(context: CallContext, key: MembershipKey): Promise<BoxResult<string | null>> {
    const path = `/users/${key.boxUserId}/memberships`;
    const parameters = { userId: key.boxUserId, groupId: key.boxGroupId, offset: 0, limit: 1000 };
    const call = groupCall('findMembership', 'find_membership', 'GET', path, parameters);
    return this.carryOut(context, call, notAKey(key), () => {
      if (!this.users.has(key.boxUserId)) return good(404, null);
      const membership = this.#membershipOf(key);
      return good(200, membership && this.#isSeen(membership) ? membership.id : null);
    });
  }

  removeMembership(context: CallContext, membershipId: string): Promise<BoxResult<'removed'>> {
    const path = `/group_memberships/${membershipId}`;
    const parameters = { id: membershipId };
    const call = groupCall('removeMembership', 'remove_membership', 'DELETE', path, parameters);
    return this.carryOut(context, call, notAnId(membershipId), () =>
      good(this.memberships.delete(membershipId) ? 204 : 404, 'removed'),
    );
  }

  listMemberships(
    context: CallContext,
    query: { boxGroupId: string; offset: number; limit: number },
  ): Promise<BoxResult<MembershipPage>> {
    const { boxGroupId, offset, limit } = query;
    const path = `/groups/${boxGroupId}/memberships`;
    const parameters = { groupId: boxGroupId, offset, limit };
    const call = groupCall('listMemberships', 'list_memberships', 'GET', path, parameters);
    const refused = notAnId(boxGroupId) ?? notALimit(limit) ?? notAnOffset(offset);
    return this.carryOut(context, call, refused, () => {
      if (!this.groups.has(boxGroupId)) return bad(404, 'box_group_missing', 'Not Found');
      const all = [...this.memberships.values()].filter(
        (each) => each.boxGroupId === boxGroupId && this.#isSeen(each),
      );
      const end = offset + limit;
      return good(200, {
        memberships: all.slice(offset, end).map(({ id, boxUserId }) => ({ id, boxUserId })),
        nextOffset: end < all.length ? end : null,
      });
    });
  }

  /** Adds groups to Box as another client would. */
  addGroups(names: readonly string[]): void {
    for (const name of names) this.#addGroup(name);
  }

  protected endMemberships(which: (membership: FakeMembership) => boolean): void {
    for (const membership of this.memberships.values()) {
      if (which(membership)) this.memberships.delete(membership.id);
    }
  }

  #addGroup(name: string): BoxGroup {
    const group = { id: this.nextId(), name };
    this.groups.set(group.id, group);
    if (this.lookupLags) this.unseen.add(group.id);
    return group;
  }

  #isSeen({ id }: { readonly id: string }): boolean {
    return !(this.lookupLags && this.unseen.has(id));
  }

  /** Names are unique regardless of case: Box does not document this, and it is the harder case. */
  #withName(name: string): BoxGroup | undefined {
    const wanted = name.toLowerCase();
    return [...this.groups.values()].find((group) => group.name.toLowerCase() === wanted);
  }

  #membershipOf({ boxUserId, boxGroupId }: MembershipKey): FakeMembership | undefined {
    return [...this.memberships.values()].find(
      (each) => each.boxUserId === boxUserId && each.boxGroupId === boxGroupId,
    );
  }
}

const groupCall = (
  port: BoxMethod,
  operation: string,
  method: Call['method'],
  path: string,
  parameters: Call['parameters'],
): Call => ({ port, operation, method, path: `/2.0${path}`, changes: method !== 'GET', parameters });

const isEmpty = (name: string) => (name === '' ? invalid('The name is empty.') : null);

const notAKey = ({ boxUserId, boxGroupId }: MembershipKey) => notAnId(boxUserId) ?? notAnId(boxGroupId);

const notAnOffset = (offset: number) =>
  Number.isInteger(offset) && offset >= 0 && offset <= OFFSET_MAX ? null : invalid('0 to 10 000.');
