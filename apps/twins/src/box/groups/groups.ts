import { requireGroupAdmin } from '../access/access.ts';
import { BodyReader, readJsonObject } from '../http/body-reader.ts';
import { clientError, notFound } from '../http/errors.ts';
import { invitabilityLevels, type BoxGroup, type GroupProfile } from './group-store.ts';
import { groupView, type Detail } from './group-view.ts';
import { offsetPage } from '../http/paging.ts';
import type { Route, RouteContext } from '../http/router.ts';
import { emptyAnswer, jsonAnswer, type Answer } from '../http/wire.ts';
import type { World } from '../world.ts';

/** /2.0/groups, as in Box's OpenAPI (get_groups, post_groups, get/put/delete_groups_id). */
export const groupRoutes: Route[] = [
  { method: 'GET', path: '/2.0/groups', handle: listGroups },
  { method: 'POST', path: '/2.0/groups', handle: createGroup },
  { method: 'GET', path: '/2.0/groups/:id', handle: readGroup },
  { method: 'PUT', path: '/2.0/groups/:id', handle: updateGroup },
  { method: 'DELETE', path: '/2.0/groups/:id', handle: deleteGroup },
];

/** Listings of groups and memberships page by offset only, up to this one (OpenAPI: "exceeding 10000 ... 400"). */
export const maxOffset = 10_000;
const textMax = 255;

const show = (group: BoxGroup, query: URLSearchParams, detail: Detail): object =>
  groupView(group, query.get('fields'), detail);

/** The groups in the listing, oldest first: past the lag, and with a name that starts with the term. */
function listGroups({ world, query, caller }: RouteContext): Answer {
  requireGroupAdmin(caller);
  const term = query.get('filter_term')?.toLowerCase() ?? '';
  const newest = world.now() - world.settings.lookupLagMs;
  const found = world.groups
    .all()
    .filter((group) => group.createdAt <= newest && group.name.toLowerCase().startsWith(term));
  return jsonAnswer(
    200,
    offsetPage(found, query, (group) => show(group, query, 'listed'), maxOffset),
  );
}

function createGroup({ world, query, caller, body }: RouteContext): Answer {
  requireGroupAdmin(caller);
  const { name, profile } = readGroupChanges(readJsonObject(body), 'create');
  refuseTakenName(world, name ?? '', null);
  const group = world.addGroup(name ?? '', profile);
  return jsonAnswer(201, show(group, query, 'single'));
}

function readGroup({ world, query, caller, params }: RouteContext): Answer {
  requireGroupAdmin(caller);
  return jsonAnswer(200, show(groupOf(world, params.id ?? ''), query, 'single'));
}

function updateGroup({ world, query, caller, params, body }: RouteContext): Answer {
  requireGroupAdmin(caller);
  const group = groupOf(world, params.id ?? '');
  const { name, profile } = readGroupChanges(readJsonObject(body), 'update');
  if (name !== undefined) {
    refuseTakenName(world, name, group);
    world.groups.rename(group, name);
  }
  group.profile = { ...group.profile, ...profile };
  group.modifiedAt = world.now();
  return jsonAnswer(200, show(group, query, 'single'));
}

function deleteGroup({ world, caller, params }: RouteContext): Answer {
  requireGroupAdmin(caller);
  world.groups.remove(groupOf(world, params.id ?? ''));
  return emptyAnswer(204);
}

/** The group with that id, or 404. */
export function groupOf(world: World, id: string): BoxGroup {
  const group = world.groups.get(id);
  if (!group) throw notFound('group', id);
  return group;
}

/** Box reports the invalid field, under a different name, but not the group that has the name. */
function refuseTakenName(world: World, name: string, self: BoxGroup | null): void {
  const holder = world.groups.byName(name);
  if (!holder || holder === self) return;
  const problem = {
    reason: 'invalid_parameter',
    name: 'group_tag_name',
    message: `Invalid value '${name.slice(0, 200)}'. A resource with value '${name.slice(0, 200)}' already exists`,
  };
  throw clientError(409, 'conflict', 'Conflict', { errors: [problem] });
}

function readGroupChanges(
  body: Record<string, unknown>,
  mode: 'create' | 'update',
): { name: string | undefined; profile: Partial<GroupProfile> } {
  const from = new BodyReader(body);
  const name = from.text('name', textMax);
  if (name?.trim() === '') from.problem('name', "'name' must not be empty");
  if (mode === 'create') from.require('name');
  const profile: Partial<GroupProfile> = {
    provenance: from.text('provenance', textMax),
    external_sync_identifier: from.text('external_sync_identifier', textMax),
    description: from.text('description', textMax),
    invitability_level: from.oneOf('invitability_level', invitabilityLevels),
    member_viewability_level: from.oneOf('member_viewability_level', invitabilityLevels),
  };
  from.finish();
  return {
    name,
    profile: Object.fromEntries(Object.entries(profile).filter(([, value]) => value !== undefined)),
  };
}
