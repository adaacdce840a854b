import { boxDate } from '../http/dates.ts';

/** A folder or a file; parent '0' is its owner's root. */
export interface Item {
  type: 'folder' | 'file';
  id: string;
  ownerId: string;
  parentId: string;
  name: string;
  size: number;
  sha1: string;
  createdAt: number;
}

/** The content, one separate tree per user: only the owner has access. */
export class ItemStore {
  readonly #byId = new Map<string, Item>();
  readonly #children = new Map<string, Item[]>();

  /** The item, if this user owns it. */
  owned(userId: string, id: string): Item | undefined {
    const item = this.#byId.get(id);
    return item?.ownerId === userId ? item : undefined;
  }

  children(userId: string, folderId: string): readonly Item[] {
    return this.#children.get(`${userId}/${folderId}`) ?? [];
  }

  /** The child with that name; Box compares names without case. */
  named(userId: string, folderId: string, name: string): Item | undefined {
    const wanted = name.toLowerCase();
    return this.children(userId, folderId).find((item) => item.name.toLowerCase() === wanted);
  }

  insert(item: Item): void {
    this.#byId.set(item.id, item);
    const key = `${item.ownerId}/${item.parentId}`;
    const siblings = this.#children.get(key);
    if (siblings) siblings.push(item);
    else this.#children.set(key, [item]);
  }

  ownedBy(userId: string): Item[] {
    const found: Item[] = [];
    const visit = (folderId: string): void => {
      for (const item of this.children(userId, folderId)) {
        found.push(item);
        if (item.type === 'folder') visit(item.id);
      }
    };
    visit('0');
    return found;
  }

  spaceUsed(userId: string): number {
    return this.ownedBy(userId).reduce((sum, item) => sum + item.size, 0);
  }

  removeOwner(userId: string): void {
    for (const item of this.ownedBy(userId)) {
      this.#byId.delete(item.id);
      this.#children.delete(`${userId}/${item.id}`);
    }
    this.#children.delete(`${userId}/0`);
  }

  get size(): number {
    return this.#byId.size;
  }

  clear(): void {
    this.#byId.clear();
    this.#children.clear();
  }
}

export const rootMini = Object.freeze({
  type: 'folder',
  id: '0',
  sequence_id: null,
  etag: null,
  name: 'All Files',
});

/** Folder--Mini or File--Mini, the form in a listing without `fields`. */
export function itemMini(item: Item): Record<string, unknown> {
  const common = { sequence_id: '0', etag: '0' };
  if (item.type === 'folder') return { type: 'folder', id: item.id, ...common, name: item.name };
  return {
    type: 'file',
    id: item.id,
    file_version: { type: 'file_version', id: `${item.id}1`, sha1: item.sha1 },
    ...common,
    sha1: item.sha1,
    name: item.name,
  };
}

/** The item with its standard fields. `path` goes from the root to the parent, `owner` is a user mini. */
export function itemStandard(
  item: Item,
  path: object[],
  owner: object,
  size: number,
): Record<string, unknown> {
  const at = boxDate(item.createdAt);
  return {
    ...itemMini(item),
    created_at: at,
    modified_at: at,
    description: '',
    size,
    path_collection: { total_count: path.length, entries: path },
    created_by: owner,
    modified_by: owner,
    trashed_at: null,
    purged_at: null,
    content_created_at: at,
    content_modified_at: at,
    owned_by: owner,
    shared_link: null,
    ...(item.type === 'folder' && { folder_upload_email: null }),
    parent: path.at(-1),
    item_status: 'active',
  };
}
