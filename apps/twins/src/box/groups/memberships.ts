import { requireGroupAdmin, type Caller } from '../access/access.ts';
import { BodyReader, readJsonObject } from '../http/body-reader.ts';
import { clientError, commonError, notFound } from '../http/errors.ts';
import { memberRoles, type Membership } from './group-store.ts';
import { membershipView, type Detail } from './group-view.ts';
import { groupOf, maxOffset } from './groups.ts';
import { offsetPage } from '../http/paging.ts';
import type { Route, RouteContext } from '../http/router.ts';
import { changeableUser } from '../users/users.ts';
import { emptyAnswer, jsonAnswer, type Answer } from '../http/wire.ts';
import type { World } from '../world.ts';

/**
 * Memberships, as in OpenAPI post_group_memberships, get/put/delete_group_memberships_id and the two listings. They
 * are created and deleted here only, never under the group's own address.
 */
export const membershipRoutes: Route[] = [
  { method: 'POST', path: '/2.0/group_memberships', handle: createMembership },
  { method: 'GET', path: '/2.0/group_memberships/:id', handle: readMembership },
  { method: 'PUT', path: '/2.0/group_memberships/:id', handle: updateMembership },
  { method: 'DELETE', path: '/2.0/group_memberships/:id', handle: deleteMembership },
  { method: 'GET', path: '/2.0/groups/:id/memberships', handle: listOfGroup },
  { method: 'GET', path: '/2.0/users/:id/memberships', handle: listOfUser },
];

function createMembership({ world, query, caller, body }: RouteContext): Answer {
  requireGroupAdmin(caller);
  const from = new BodyReader(readJsonObject(body));
  const userId = from.reference('user') ?? '';
  const groupId = from.reference('group') ?? '';
  const { role = 'member', permissions = {} } = readRole(from);
  from.finish();
  const user = changeableUser(world, caller, userId);
  const group = groupOf(world, groupId);
  if (world.groups.membershipOf(group.id, user.id)) {
    const { code, message } = commonError(409);
    throw clientError(409, code, message);
  }
  const membership = world.addMembership({ userId: user.id, groupId: group.id, role, permissions });
  return jsonAnswer(201, show(world, membership, query, 'single'));
}

function readMembership({ world, query, caller, params }: RouteContext): Answer {
  return jsonAnswer(200, show(world, membershipOf(world, caller, params.id), query, 'single'));
}

function updateMembership({ world, query, caller, params, body }: RouteContext): Answer {
  const membership = membershipOf(world, caller, params.id);
  const from = new BodyReader(readJsonObject(body));
  const { role, permissions } = readRole(from);
  from.finish();
  if (role !== undefined) membership.role = role;
  if (permissions !== undefined) membership.permissions = permissions;
  membership.modifiedAt = world.now();
  return jsonAnswer(200, show(world, membership, query, 'single'));
}

function deleteMembership({ world, caller, params }: RouteContext): Answer {
  world.groups.removeMembership(membershipOf(world, caller, params.id));
  return emptyAnswer(204);
}

function listOfGroup(context: RouteContext): Answer {
  const { world, caller, params } = context;
  requireGroupAdmin(caller);
  return list(context, world.groups.ofGroup(groupOf(world, params.id ?? '').id));
}

function listOfUser(context: RouteContext): Answer {
  const { world, caller, params } = context;
  requireGroupAdmin(caller);
  return list(context, world.groups.ofUser(changeableUser(world, caller, params.id ?? '').id));
}

/** A page of memberships, oldest first; new ones are left out during the lag of listings. */
function list({ world, query }: RouteContext, all: Membership[]): Answer {
  const newest = world.now() - world.settings.lookupLagMs;
  const seen = all.filter((membership) => membership.createdAt <= newest);
  return jsonAnswer(
    200,
    offsetPage(seen, query, (membership) => show(world, membership, query, 'listed'), maxOffset),
  );
}

function membershipOf(world: World, caller: Caller, id = ''): Membership {
  requireGroupAdmin(caller);
  const membership = world.groups.membership(id);
  if (!membership) throw notFound('group_membership', id);
  return membership;
}

/** A membership is deleted with its user or its group, so both always exist. */
function show(world: World, membership: Membership, query: URLSearchParams, detail: Detail): object {
  const user = world.users.get(membership.userId);
  const group = world.groups.get(membership.groupId);
  if (!user || !group) throw new Error(`Membership ${membership.id} has outlived its user or group`);
  return membershipView(membership, { user, group }, query.get('fields'), detail);
}

function readRole(from: BodyReader): Partial<Pick<Membership, 'role' | 'permissions'>> {
  return {
    role: from.oneOf('role', memberRoles),
    permissions: from.flags('configurable_permissions'),
  };
}
