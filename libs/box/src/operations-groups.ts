import type {
  AddMembershipResult,
  BoxGroup,
  CreateGroupResult,
  MembershipKey,
  MembershipPage,
} from '@foyer/provisioning';
import type { Operation, Reading } from './interpret-response.ts';
import {
  GROUP_FIELDS,
  readGroup,
  readGroupPage,
  readMembership,
  readMembershipPage,
  type OffsetPage,
} from './wire.ts';

/** The offset and the size of a page. */
export interface PageQuery {
  readonly offset: number;
  readonly limit: number;
}

function asGroup(body: string | null): Reading<BoxGroup> | undefined {
  const group = readGroup(body);
  return group && { value: group, extract: { ...group } };
}

const paramsOf = ({ offset, limit }: PageQuery) => ({ offset: String(offset), limit: String(limit) });

/**
 * POST /2.0/groups. A 409 means that the name is taken, whatever its `code`; Box does not say by which group. Without
 * `provenance`, which would prevent administrators from editing the group in Box.
 */
export const createGroup = (name: string): Operation<CreateGroupResult> => ({
  name: 'create_group',
  method: 'POST',
  path: '/2.0/groups',
  params: { fields: GROUP_FIELDS },
  body: { name },
  parameters: { name },
  changes: true,
  accept(body) {
    const reading = asGroup(body);
    return reading && { ...reading, value: { kind: 'created', group: reading.value } };
  },
  refuse: (status) => (status === 409 ? { value: { kind: 'exists' }, extract: {} } : undefined),
});

/** GET /2.0/groups?filter_term=, a page of the groups whose names begin with the term. */
export const findGroup = (name: string, query: PageQuery): Operation<OffsetPage<BoxGroup>> => ({
  name: 'find_group',
  method: 'GET',
  path: '/2.0/groups',
  params: { filter_term: name, ...paramsOf(query), fields: GROUP_FIELDS },
  parameters: { name, ...query },
  changes: false,
  accept(body) {
    const page = readGroupPage(body);
    if (!page) return undefined;
    const match = page.entries.find((group) => group.name === name);
    return { value: page, extract: { groups: page.entries.length, id: match?.id } };
  },
});

export const readGroupById = (boxGroupId: string): Operation<BoxGroup | null> => ({
  name: 'read_group',
  method: 'GET',
  path: `/2.0/groups/${boxGroupId}`,
  params: { fields: GROUP_FIELDS },
  parameters: { id: boxGroupId },
  changes: false,
  accept: asGroup,
  refuse: (status) => (status === 404 ? { value: null, extract: {} } : undefined),
});

export const renameGroup = (boxGroupId: string, name: string): Operation<BoxGroup> => ({
  name: 'update_group',
  method: 'PUT',
  path: `/2.0/groups/${boxGroupId}`,
  params: { fields: GROUP_FIELDS },
  body: { name },
  parameters: { id: boxGroupId, name },
  changes: true,
  accept: asGroup,
  refuse(status) {
    if (status === 409) return 'box_group_conflict';
    return status === 404 ? 'box_group_missing' : undefined;
  },
});

export const deleteGroup = (boxGroupId: string): Operation<'deleted'> => ({
  name: 'delete_group',
  method: 'DELETE',
  path: `/2.0/groups/${boxGroupId}`,
  parameters: { id: boxGroupId },
  changes: true,
  accept: () => ({ value: 'deleted', extract: {} }),
  refuse: (status) => (status === 404 ? { value: 'deleted', extract: {} } : undefined),
});

/**
 * POST /2.0/group_memberships. Box does not document that a 409 means "already a member", but nothing else is unique.
 */
export const addMembership = ({ boxUserId, boxGroupId }: MembershipKey): Operation<AddMembershipResult> => ({
  name: 'add_membership',
  method: 'POST',
  path: '/2.0/group_memberships',
  body: { user: { id: boxUserId }, group: { id: boxGroupId } },
  parameters: { userId: boxUserId, groupId: boxGroupId },
  changes: true,
  accept(body) {
    const membership = readMembership(body);
    if (!membership) return undefined;
    return { value: { kind: 'added', membershipId: membership.id }, extract: { id: membership.id } };
  },
  refuse(status) {
    if (status === 409) return { value: { kind: 'exists' }, extract: {} };
    return status === 404 ? 'box_member_missing' : undefined;
  },
});

/** GET /2.0/users/:id/memberships, a page of a user's memberships; null when the user does not exist. */
export const findMembership = (
  { boxUserId, boxGroupId }: MembershipKey,
  query: PageQuery,
): Operation<OffsetPage<{ id: string; groupId: string }> | null> => ({
  name: 'find_membership',
  method: 'GET',
  path: `/2.0/users/${boxUserId}/memberships`,
  params: paramsOf(query),
  parameters: { userId: boxUserId, groupId: boxGroupId, ...query },
  changes: false,
  accept(body) {
    const page = readMembershipPage(body);
    if (!page) return undefined;
    const match = page.entries.find(({ groupId }) => groupId === boxGroupId);
    return { value: page, extract: { memberships: page.entries.length, id: match?.id } };
  },
  refuse: (status) => (status === 404 ? { value: null, extract: {} } : undefined),
});

export const removeMembership = (membershipId: string): Operation<'removed'> => ({
  name: 'remove_membership',
  method: 'DELETE',
  path: `/2.0/group_memberships/${membershipId}`,
  parameters: { id: membershipId },
  changes: true,
  accept: () => ({ value: 'removed', extract: {} }),
  refuse: (status) => (status === 404 ? { value: 'removed', extract: {} } : undefined),
});

/** GET /2.0/groups/:id/memberships. Names are not logged, because a page has up to 1000 people. */
export const listMemberships = (query: PageQuery & { boxGroupId: string }): Operation<MembershipPage> => ({
  name: 'list_memberships',
  method: 'GET',
  path: `/2.0/groups/${query.boxGroupId}/memberships`,
  params: paramsOf(query),
  parameters: { groupId: query.boxGroupId, offset: query.offset, limit: query.limit },
  changes: false,
  accept(body) {
    const page = readMembershipPage(body);
    if (!page) return undefined;
    const nextOffset = nextOffsetOf(page, query);
    const memberships = page.entries.map(({ id, userId }) => ({ id, boxUserId: userId }));
    return {
      value: { memberships, nextOffset },
      extract: { memberships: memberships.length, lastPage: nextOffset === null },
    };
  },
  refuse: (status) => (status === 404 ? 'box_group_missing' : undefined),
});

/**
 * The offset of the next page; null at the end. The offset grows by the page's limit, as Box applied it, and not by the
 * number of entries: a page may have fewer, and `total_count` is not a count but one more than the last offset (guide
 * "Offset-based pagination"). Without a `total_count`, an empty page is the end.
 */
export function nextOffsetOf(page: OffsetPage<unknown>, { offset, limit }: PageQuery): number | null {
  const next = offset + Math.min(page.limit ?? limit, limit);
  const isLast = page.total === undefined ? page.entries.length === 0 : next >= page.total;
  return isLast ? null : next;
}
