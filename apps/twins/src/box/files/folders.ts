import type { Caller } from '../access/access.ts';
import { readJsonObject } from '../http/body-reader.ts';
import {
  accessDenied,
  badParameter,
  badParameters,
  clientError,
  insufficientScope,
  missingParameter,
  notFound,
} from '../http/errors.ts';
import { itemMini, itemStandard, rootMini, type Item } from './items.ts';
import { markerPage, offsetPage, wantsMarker } from '../http/paging.ts';
import type { Route, RouteContext } from '../http/router.ts';
import { pick, splitFields, userMini } from '../users/user-view.ts';
import { jsonAnswer, type Answer } from '../http/wire.ts';
import type { World } from '../world.ts';

/**
 * Folders of the acting user, as in OpenAPI get_folders_id, get_folders_id_items and post_folders. Folder 0 is each user's own root.
 */
export const folderRoutes: Route[] = [
  { method: 'GET', path: '/2.0/folders/:id', handle: readFolder },
  { method: 'GET', path: '/2.0/folders/:id/items', handle: listItems },
  { method: 'POST', path: '/2.0/folders', handle: createFolder },
];

/** A folder with the first of its items; with `fields` only what was asked for. */
function readFolder({ world, query, caller, params }: RouteContext): Answer {
  const id = readableFolder(world, caller, params.id ?? '');
  const fields = query.get('fields');
  const items = [...world.items.children(caller.user.id, id)].sort(inOrder('name', 'ASC'));
  const full = {
    ...standardFolder(world, caller, id),
    item_collection: offsetPage(items, query, itemMini),
  };
  return jsonAnswer(200, fields === null ? full : pick(full, ['type', 'id', 'etag', ...splitFields(fields)]));
}

/** Each user's root has no parent folder and no creator. */
function standardFolder(world: World, caller: Caller, id: string): object {
  const owner = userMini(caller.user);
  const folder = world.items.owned(caller.user.id, id);
  if (folder !== undefined)
    return itemStandard(folder, pathTo(world, folder), owner, treeSize(world, folder));
  return {
    ...rootMini,
    size: world.items.spaceUsed(caller.user.id),
    path_collection: { total_count: 0, entries: [] },
    owned_by: owner,
    parent: null,
    item_status: 'active',
  };
}

function listItems({ world, query, caller, params }: RouteContext): Answer {
  const id = readableFolder(world, caller, params.id ?? '');
  const fields = query.get('fields');
  const view = (item: Item): object => viewOf(world, caller, item, fields);
  const items = [...world.items.children(caller.user.id, id)];
  if (wantsMarker(query)) {
    return jsonAnswer(200, markerPage(items.sort(byKey(markerKey)), query, markerKey, view));
  }
  const { sort, direction } = readOrder(query);
  const order = [
    { by: 'type', direction: 'ASC' },
    { by: sort, direction },
  ];
  return jsonAnswer(200, { ...offsetPage(items.sort(inOrder(sort, direction)), query, view), order });
}

const typeRank = (item: Item): string => (item.type === 'folder' ? '0' : '1');
const markerKey = (item: Item): string => `${typeRank(item)}${item.name.toLowerCase()}`;

const byKey =
  (keyOf: (item: Item) => string) =>
  (a: Item, b: Item): number =>
    keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0;

type SortName = 'id' | 'name' | 'date' | 'size';

const sortKeys: Record<SortName, (item: Item) => string> = {
  id: (item) => item.id.padStart(20, '0'),
  name: (item) => item.name.toLowerCase(),
  date: (item) => String(item.createdAt).padStart(20, '0'),
  size: (item) => String(item.size).padStart(20, '0'),
};

/** Folders come before files in both directions; the direction applies to the second attribute only. */
function inOrder(sort: SortName, direction: string): (a: Item, b: Item) => number {
  const byType = byKey(typeRank);
  const bySecond = byKey(sortKeys[sort]);
  return (a, b) => byType(a, b) || (direction === 'DESC' ? -bySecond(a, b) : bySecond(a, b));
}

function readOrder(query: URLSearchParams): { sort: SortName; direction: string } {
  const sort = query.get('sort') ?? 'name';
  const direction = query.get('direction') ?? 'ASC';
  if (sort !== 'id' && sort !== 'name' && sort !== 'date' && sort !== 'size') {
    throw badParameters([badParameter('sort', sort, 'It must be one of id, name, date, size')]);
  }
  if (direction !== 'ASC' && direction !== 'DESC') {
    throw badParameters([badParameter('direction', direction, 'It must be ASC or DESC')]);
  }
  return { sort, direction };
}

function createFolder({ world, query, caller, body }: RouteContext): Answer {
  const { name, parentId } = readNewFolder(readJsonObject(body));
  requireScope(caller, ['base_upload', 'item_upload'], parentId);
  requireFolder(world, caller, parentId);
  const taken = world.items.named(caller.user.id, parentId, name);
  if (taken) {
    throw clientError(409, 'item_name_in_use', 'Item with the same name already exists', {
      conflicts: [itemMini(taken)],
    });
  }
  const folder = addItem(world, { type: 'folder', ownerId: caller.user.id, parentId, name, size: 0 });
  return jsonAnswer(201, viewOf(world, caller, folder, query.get('fields'), true));
}

/** Adds an item to a folder of its owner; the name must be free there. */
export function addItem(world: World, given: Omit<Item, 'id' | 'createdAt' | 'sha1'>): Item {
  const id = world.nextId();
  const sha1 = given.type === 'file' ? id.padStart(40, '0') : '';
  const item = { ...given, id, sha1, createdAt: world.now() };
  world.items.insert(item);
  return item;
}

function readNewFolder(body: Record<string, unknown>): { name: string; parentId: string } {
  const { name, parent } = body;
  const parentId = typeof parent === 'object' && parent !== null && 'id' in parent ? parent.id : undefined;
  const missing = [
    ...(name === undefined ? [missingParameter('name')] : []),
    ...(parentId === undefined ? [missingParameter('parent.id')] : []),
  ];
  if (missing.length > 0) throw badParameters(missing);
  if (typeof name !== 'string') throw badParameters([badParameter('name', name, 'It must be a string')]);
  if (typeof parentId !== 'string')
    throw badParameters([badParameter('parent.id', parentId, 'It must be a string')]);
  if (name.length > 255) throw clientError(400, 'item_name_too_long', 'Item name too long');
  if (!isItemName(name)) throw clientError(400, 'item_name_invalid', 'Item name invalid');
  return { name, parentId };
}

/**
 * The names that Box accepts: printable, no slash, no space at either end, neither `.` nor `..` (OpenAPI
 * post_folders).
 */
export function isItemName(name: string): boolean {
  return name !== '' && name === name.trim() && name !== '.' && name !== '..' && !/[/\\\p{Cc}]/u.test(name);
}

/** A downscoped token needs one of the scopes, and reaches only the folder to which it is restricted. */
function requireScope(caller: Caller, oneOf: string[], folderId: string): void {
  const { scopes, resource } = caller.token;
  if (!scopes) return;
  if (!oneOf.some((scope) => scopes.includes(scope))) throw insufficientScope();
  if (resource && (resource.type !== 'folder' || resource.id !== folderId)) throw accessDenied();
}

function readableFolder(world: World, caller: Caller, id: string): string {
  if (!/^\d+$/.test(id)) throw clientError(405, 'method_not_allowed', 'Method Not Allowed');
  requireScope(caller, ['base_explorer', 'base_picker'], id);
  requireFolder(world, caller, id);
  return id;
}

function requireFolder(world: World, caller: Caller, id: string): void {
  if (id !== '0' && world.items.owned(caller.user.id, id)?.type !== 'folder') throw notFound('folder', id);
}

function viewOf(world: World, caller: Caller, item: Item, fields: string | null, standard = false): object {
  if (fields === null && !standard) return itemMini(item);
  const size = item.type === 'folder' ? treeSize(world, item) : item.size;
  const full = itemStandard(item, pathTo(world, item), userMini(caller.user), size);
  if (fields === null) return full;
  return pick(full, ['type', 'id', 'etag', ...splitFields(fields)]);
}

function pathTo(world: World, item: Item): object[] {
  const parent = item.parentId === '0' ? undefined : world.items.owned(item.ownerId, item.parentId);
  return parent ? [...pathTo(world, parent), itemMini(parent)] : [rootMini];
}

function treeSize(world: World, folder: Item): number {
  return world.items
    .children(folder.ownerId, folder.id)
    .reduce((sum, item) => sum + (item.type === 'folder' ? treeSize(world, item) : item.size), 0);
}
