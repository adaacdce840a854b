import type {
  BoxPort,
  BoxResult,
  CallContext,
  CreateResult,
  Deletion,
  FolderPage,
  NewBoxUser,
  UserPage,
} from './box-port.ts';
import {
  bad,
  good,
  invalid,
  notALimit,
  notAnId,
  type BoxMethod,
  type Call,
  type Reply,
} from '../attempts/fake-calls.harness.ts';
import { FakeGroups } from '../groups/fake-groups.harness.ts';
import type { BoxChange, BoxProfile, BoxUser } from './model.ts';

/** `parentId` is '0' for what is in the top folder. */
type Item = FolderPage['items'][number] & { readonly parentId: string };

/** Box in memory, with the behaviour that BoxPort promises. Calls go through the given log, intent first. */
export class FakeBox extends FakeGroups implements BoxPort {
  /** Box's fields of the users besides name and status. */
  readonly profiles = new Map<string, BoxProfile>();
  readonly #files = new Map<string, Item[]>();

  /** Adds files to a user, and creates the folders of their paths. */
  addFiles(boxUserId: string, paths: readonly string[]): void {
    const items = this.#files.get(boxUserId) ?? [];
    this.#files.set(boxUserId, items);
    for (const path of paths) {
      const names = path.split('/');
      const last = names.pop() ?? '';
      const parentId = names.reduce((parent, name) => {
        const known = items.find((item) => item.parentId === parent && item.name === name);
        const id = known?.id ?? this.nextId();
        if (!known) items.push({ type: 'folder', id, name, parentId: parent });
        return id;
      }, '0');
      items.push({ type: 'file', id: this.nextId(), name: last, parentId });
    }
  }

  createUser(context: CallContext, user: NewBoxUser): Promise<BoxResult<CreateResult>> {
    const { externalId, name, status, profile } = user;
    const refused = externalId === '' ? invalid('The external id is empty.') : null;
    const parameters = { externalId, name, ...given({ status }), ...logged(profile) };
    const call = this.#users('createUser', 'create_user', 'POST', parameters);
    return this.carryOut(context, call, refused, () => this.#create(user));
  }

  findUser(context: CallContext, externalId: string): Promise<BoxResult<BoxUser | null>> {
    const refused = externalId === '' ? invalid('The external id is empty.') : null;
    const call = this.#users('findUser', 'find_user', 'GET', { externalId });
    return this.carryOut(context, call, refused, () => {
      const user = this.#withExternalId(externalId);
      return good(200, user && (this.lookupLags ? !this.unseen.has(user.id) : true) ? user : null);
    });
  }

  readUser(context: CallContext, boxUserId: string): Promise<BoxResult<BoxUser | null>> {
    const call = this.#users('readUser', 'read_user', 'GET', { id: boxUserId }, boxUserId);
    return this.carryOut(context, call, notAnId(boxUserId), () => {
      const user = this.users.get(boxUserId);
      return user ? good(200, user) : good(404, null);
    });
  }

  updateUser(context: CallContext, boxUserId: string, change: BoxChange): Promise<BoxResult<BoxUser>> {
    const { name, status, externalId, ...profile } = change;
    const asked = given({ name, status, externalId });
    const parameters = { id: boxUserId, ...asked, ...logged(profile) };
    const call = this.#users('updateUser', 'update_user', 'PUT', parameters, boxUserId);
    const refused = notAnId(boxUserId) ?? (externalId === '' ? invalid('The external id is empty.') : null);
    return this.carryOut(context, call, refused, () => {
      const user = this.users.get(boxUserId);
      if (!user) return bad(404, 'box_user_missing', 'Not Found');
      const tooLong = wrongLength(change);
      if (tooLong) return bad(400, 'box_invalid', tooLong);
      const holder = externalId === undefined ? undefined : this.#withExternalId(externalId);
      if (holder && holder !== user) return bad(409, 'box_conflict', 'An app user already exists');
      const changed = { ...user, ...asked };
      this.users.set(boxUserId, changed);
      this.profiles.set(boxUserId, { ...this.profiles.get(boxUserId), ...given({ ...profile }) });
      return good(200, changed);
    });
  }

  deleteUser(context: CallContext, boxUserId: string): Promise<BoxResult<Deletion>> {
    const call = this.#users('deleteUser', 'delete_user', 'DELETE', { id: boxUserId }, boxUserId);
    return this.carryOut(context, call, notAnId(boxUserId), () => {
      if (!this.users.has(boxUserId)) return good(404, 'deleted');
      if ((this.#files.get(boxUserId) ?? []).length > 0) return good(400, 'owns-content');
      this.users.delete(boxUserId);
      this.profiles.delete(boxUserId);
      this.endMemberships((membership) => membership.boxUserId === boxUserId);
      return good(204, 'deleted');
    });
  }

  listUsers(context: CallContext, query: { limit: number; marker?: string }): Promise<BoxResult<UserPage>> {
    const { limit, marker } = query;
    const call = this.#users('listUsers', 'list_users', 'GET', { limit, firstPage: marker === undefined });
    const refused = notALimit(limit) ?? (marker === '' ? invalid('The marker is empty.') : null);
    return this.carryOut(context, call, refused, () => {
      if (marker !== undefined && !/^after-\d+$/.test(marker)) return bad(400, 'box_invalid', 'marker');
      const after = Number(marker?.slice('after-'.length) ?? 0);
      const rest = [...this.users.values()].filter(
        ({ id }) => Number(id) > after && !(this.lookupLags && this.unseen.has(id)),
      );
      const page = rest.slice(0, limit);
      const nextMarker = rest.length > limit ? `after-${page.at(-1)?.id}` : null;
      return good(200, { users: page.filter((user) => user.isAppUser), nextMarker });
    });
  }

  listFolder(
    context: CallContext,
    query: { boxUserId: string; folderId: string; limit: number; marker?: string },
  ): Promise<BoxResult<FolderPage>> {
    const { boxUserId, folderId, limit, marker = '0' } = query;
    const call: Call = {
      port: 'listFolder',
      operation: 'list_folder',
      method: 'GET',
      path: `/2.0/folders/${folderId}/items`,
      changes: false,
      asUser: boxUserId,
      parameters: { folderId, limit },
    };
    const refused = notAnId(boxUserId) ?? notAnId(folderId) ?? notALimit(limit);
    return this.carryOut(context, call, refused, () => {
      const user = this.users.get(boxUserId);
      if (!user) return bad(403, 'box_forbidden', 'Access denied - insufficient permission');
      if (user.status === 'inactive') return bad(401, 'box_user_deactivated', 'User has been deactivated');
      const kept = this.#files.get(boxUserId) ?? [];
      const folder = kept.find(({ id, type }) => id === folderId && type === 'folder');
      if (folderId !== '0' && !folder) return bad(404, 'not_found', 'Not Found');
      const all = kept.filter(({ parentId }) => parentId === folderId);
      const end = Number(marker) + limit;
      return good(200, {
        items: all.slice(Number(marker), end).map(({ type, id, name }) => ({ type, id, name })),
        nextMarker: end < all.length ? String(end) : null,
        folderName: all.length > 0 ? (folder?.name ?? null) : null,
      });
    });
  }

  readFolderName(
    context: CallContext,
    { boxUserId, folderId }: { boxUserId: string; folderId: string },
  ): Promise<BoxResult<string>> {
    const call: Call = {
      port: 'readFolderName',
      operation: 'read_folder',
      method: 'GET',
      path: `/2.0/folders/${folderId}`,
      changes: false,
      asUser: boxUserId,
      parameters: { folderId },
    };
    const refused = notAnId(boxUserId) ?? notAnId(folderId);
    return this.carryOut(context, call, refused, () => {
      if (folderId === '0') return good(200, 'All Files');
      const folder = this.#files.get(boxUserId)?.find(({ id, type }) => id === folderId && type === 'folder');
      return folder ? good(200, folder.name) : bad(404, 'not_found', 'Not Found');
    });
  }

  locateContent(
    context: CallContext,
    { boxUserId, fileId }: { boxUserId: string; fileId: string },
  ): Promise<BoxResult<string>> {
    const call: Call = {
      port: 'locateContent',
      operation: 'locate_content',
      method: 'GET',
      path: `/2.0/files/${fileId}/content`,
      changes: false,
      asUser: boxUserId,
      parameters: { fileId },
    };
    const refused = notAnId(boxUserId) ?? notAnId(fileId);
    return this.carryOut(context, call, refused, () => {
      const file = this.#files.get(boxUserId)?.find(({ id, type }) => id === fileId && type === 'file');
      return file ? good(302, `https://dl.example.com/${fileId}`) : bad(404, 'not_found', 'Not Found');
    });
  }

  #create({ externalId, name, status, profile = {} }: NewBoxUser): Reply<CreateResult> {
    const taken = this.#withExternalId(externalId);
    if (taken) return good(409, { kind: 'exists', conflictId: taken.id });
    const wrong = wrongLength({ name, ...profile });
    if (wrong) return bad(400, 'box_invalid', wrong);
    const id = this.nextId();
    const login = `AppUser_1_${id}@boxdevedition.com`;
    const user: BoxUser = { id, name, login, status: status ?? 'active', externalId, isAppUser: true };
    this.users.set(id, user);
    this.profiles.set(id, profile);
    if (this.lookupLags) this.unseen.add(id);
    return good(201, { kind: 'created', user });
  }

  #withExternalId(externalId: string): BoxUser | undefined {
    return [...this.users.values()].find((user) => user.externalId === externalId);
  }

  #users(
    port: BoxMethod,
    operation: string,
    method: Call['method'],
    parameters: Call['parameters'],
    id?: string,
  ): Call {
    const path = id === undefined ? '/2.0/users' : `/2.0/users/${id}`;
    return { port, operation, method, path, changes: method !== 'GET', parameters };
  }
}

/** Without undefined values. */
function given<T extends object>(values: T): Partial<T> {
  const kept: Partial<T> = { ...values };
  for (const key of Object.keys(kept)) if (kept[key as keyof T] === undefined) delete kept[key as keyof T];
  return kept;
}

const HIDDEN = '[redacted]';

const hidden = (value: string | undefined) => (value === undefined ? undefined : HIDDEN);

const logged = ({ phone, address, ...rest }: BoxProfile = {}): Call['parameters'] =>
  given({ ...rest, phone: hidden(phone), address: hidden(address) });

const lengths = { name: 50, jobTitle: 100, phone: 100, address: 255 } as const;

/** The field whose length Box refuses; null when all are valid. */
function wrongLength(change: BoxChange): string | null {
  if (change.name === '') return 'name: at least 1 character';
  for (const [field, max] of Object.entries(lengths)) {
    const value = change[field as keyof typeof lengths] ?? '';
    if (value.length > max) return `${field}: at most ${max} characters`;
  }
  return null;
}
