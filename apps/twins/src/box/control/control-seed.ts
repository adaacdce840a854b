import { ControlInput, ControlProblem, given } from './control-input.ts';
import { addItem, isItemName } from '../files/folders.ts';
import { profileDefaults, userStatuses, type BoxUser } from '../users/user-store.ts';
import { generatedLogin, type World } from '../world.ts';

/**
 * Seeds { users?, files?, groups? } past the API's rules of who may, not past uniqueness. A user is { name, kind?,
 * externalId?, login?, clientId?, status?, role? }; a file is { userId | externalId, path, size? }, a path that ends in /
 * is an empty folder, folders on the way are made; a group is { name, members? }, members are ids of users.
 */
export function seed(world: World, body: unknown): { users: object[]; files: object[]; groups: object[] } {
  const input = new ControlInput(body, 'seed', ['users', 'files', 'groups']);
  const users = input.list('users').map((user, at) => seedUser(world, user, `users[${at}]`));
  const files = input.list('files').map((file, at) => seedFile(world, file, `files[${at}]`));
  const groups = input.list('groups').map((group, at) => seedGroup(world, group, `groups[${at}]`));
  return { users, files, groups };
}

function seedGroup(world: World, value: unknown, where: string): object {
  const input = new ControlInput(value, where, ['name', 'members']);
  const name = input.needText('name');
  if (world.groups.byName(name)) throw input.wrong('name', `free, but ${name} is taken`);
  const members = new Set(input.list('members'));
  for (const id of members) {
    if (typeof id !== 'string' || !world.users.get(id))
      throw input.wrong('members', 'ids of users of this twin');
  }
  const { id: groupId } = world.addGroup(name, {});
  for (const userId of members) {
    world.addMembership({ userId: String(userId), groupId, role: 'member', permissions: {} });
  }
  return { id: groupId, name };
}

function seedUser(world: World, value: unknown, where: string): object {
  const known = ['name', 'kind', 'externalId', 'login', 'clientId', 'status', 'role'];
  const input = new ControlInput(value, where, known);
  const kind = input.oneOf('kind', ['app', 'managed', 'external'] as const) ?? 'app';
  const clientId = input.text('clientId') ?? world.config.clientId;
  const app = world.apps.get(clientId);
  if (!app) throw input.wrong('clientId', 'an app of this twin');
  const externalId = kind === 'app' ? (input.text('externalId') ?? null) : null;
  const login = kind === 'app' ? generatedLogin('AppUser', app.serviceId) : input.needText('login');
  if (world.users.byLogin(login)) throw input.wrong('login', `free, but ${login} is taken`);
  if (externalId !== null && world.users.byExternalId(clientId, externalId)) {
    throw input.wrong('externalId', `free, but ${externalId} is taken`);
  }
  const status = input.oneOf('status', userStatuses);
  const role = input.oneOf('role', ['admin', 'coadmin', 'user'] as const);
  const user = world.addUser({
    kind,
    clientId: kind === 'app' ? clientId : null,
    login,
    externalId,
    profile: { ...profileDefaults, name: input.needText('name'), ...given({ status, role }) },
    notificationEmail: null,
  });
  return { id: user.id, login, externalId };
}

function seedFile(world: World, value: unknown, where: string): object {
  const input = new ControlInput(value, where, ['userId', 'externalId', 'clientId', 'path', 'size']);
  const owner = ownerOf(world, input);
  const path = input.needText('path');
  const size = input.whole('size', 0) ?? 0;
  const names = path.split('/').filter((name) => name !== '');
  const last = path.endsWith('/') ? undefined : names.pop();
  let parentId = '0';
  for (const name of names) parentId = folderNamed(world, owner, parentId, name);
  if (last === undefined) return { id: parentId, path };
  if (!isItemName(last) || world.items.named(owner.id, parentId, last)) {
    throw input.wrong('path', `a name that is allowed and free, but ${path} is not`);
  }
  return { id: addItem(world, { type: 'file', ownerId: owner.id, parentId, name: last, size }).id, path };
}

function ownerOf(world: World, input: ControlInput): BoxUser {
  const userId = input.text('userId');
  const externalId = input.text('externalId');
  const clientId = input.text('clientId') ?? world.config.clientId;
  const owner =
    externalId === undefined ? world.users.get(userId ?? '') : world.users.byExternalId(clientId, externalId);
  if (!owner) throw input.wrong(externalId === undefined ? 'userId' : 'externalId', 'a user of this twin');
  return owner;
}

function folderNamed(world: World, owner: BoxUser, parentId: string, name: string): string {
  const known = world.items.named(owner.id, parentId, name);
  if (known?.type === 'file') throw new ControlProblem(`${name} is a file, no folder can have its name`);
  if (known) return known.id;
  if (!isItemName(name)) throw new ControlProblem(`${name} is no name for a folder`);
  return addItem(world, { type: 'folder', ownerId: owner.id, parentId, name, size: 0 }).id;
}
