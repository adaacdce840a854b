import { Inject, Injectable } from '@nestjs/common';
import { Identities } from '@foyer/persistence';
import type { BoxFault, BoxPort, BoxResult } from '@foyer/provisioning';
import { BoxItemId, FoyerError, line, type FileListQuery, type FolderItem, type Page } from '@foyer/shared';
import { z } from 'zod';
import { PrincipalLimit } from '../limits/principal-limit.ts';
import { BOX } from '../context.ts';
import { MissingUser } from './missing-user.ts';

/** The root folder, which every Box user has. */
const topFolder = '0';

/** The content of a cursor: the kind of list, the folder, and Box's marker. */
const Cursor = z.tuple([z.literal('box'), BoxItemId, line(2_000).min(1)]);

const encode = (folder: string, marker: string): string =>
  Buffer.from(JSON.stringify(['box', folder, marker])).toString('base64url');

/** The person on whose behalf Box is called. */
interface Person {
  readonly identityId: string;
  readonly boxUserId: string;
}

/** A page of a folder. `folderName` is null for the root folder, and may be null for a page without items. */
export interface Listing extends Page<FolderItem> {
  readonly folderName: string | null;
}

type ListQuery = Omit<FileListQuery, 'cursor'> & { readonly cursor?: string | undefined };

/** Calls Box as the person, so that Box decides which files they may see. */
@Injectable()
export class FilesService {
  constructor(
    private readonly identities: Identities,
    private readonly missing: MissingUser,
    private readonly limit: PrincipalLimit,
    @Inject(BOX) private readonly box: BoxPort,
  ) {}

  /**
   * Returns a page of one of the person's folders, with one call to Box. Throws `unauthenticated` for an unknown
   * identity, `identity_deactivated`, `no_box_account`, `box_user_missing`, and what `listOf` throws.
   */
  async list(identityId: string, query: ListQuery): Promise<Listing> {
    return this.listOf(await this.personOf(identityId), query);
  }

  /**
   * The same with the folder's name, which costs a second call to Box for a page without items. `folderName` is null
   * when that call fails, because the list is worth showing without it.
   */
  async listNamed(identityId: string, query: ListQuery): Promise<Listing> {
    const person = await this.personOf(identityId);
    const listing = await this.listOf(person, query);
    if (listing.items.length > 0 || query.folder === topFolder) return listing;
    return { ...listing, folderName: await this.nameOf(person, query.folder) };
  }

  /**
   * Returns a page for a person whose Box account is known. Throws `not_found` for a folder of another person,
   * `too_many_requests` when the person exceeds their share of Box's limit, `box_user_missing`, `box_app_changed`,
   * `invalid_request` for a cursor that does not belong to this list, or Box's fault.
   */
  async listOf(person: Person, { folder, limit, cursor }: ListQuery): Promise<Listing> {
    const marker = cursor === undefined ? undefined : decode(cursor, folder);
    const { identityId, boxUserId } = person;
    const listed = await this.limit.withFiles(identityId, () =>
      this.box.listFolder(
        { requestId: null, identityId, lease: null },
        { boxUserId, folderId: folder, limit, ...(marker !== undefined && { marker }) },
      ),
    );
    // Box validates only the marker of this call.
    if (!listed.ok && listed.fault.code === 'box_invalid' && marker !== undefined) throw notACursor();
    const { items, nextMarker, folderName } = await this.valueOf(person, listed, folder === topFolder);
    const nextCursor = nextMarker === null ? null : encode(folder, nextMarker);
    return { items: [...items], nextCursor, folderName };
  }

  /** Returns the short-lived address at Box of a file's content, which needs no token. Throws as `list` does. */
  async locate(identityId: string, fileId: string): Promise<string> {
    const person = await this.personOf(identityId);
    const { boxUserId } = person;
    const located = await this.limit.withFiles(identityId, () =>
      this.box.locateContent({ requestId: null, identityId, lease: null }, { boxUserId, fileId }),
    );
    return this.valueOf(person, located, false);
  }

  private async nameOf({ identityId, boxUserId }: Person, folderId: string): Promise<string | null> {
    try {
      const read = await this.limit.withFiles(identityId, () =>
        this.box.readFolderName({ requestId: null, identityId, lease: null }, { boxUserId, folderId }),
      );
      return read.ok ? read.value : null;
    } catch (error) {
      if (error instanceof FoyerError) return null;
      throw error;
    }
  }

  private async personOf(identityId: string): Promise<Person> {
    const identity = await this.identities.find(identityId);
    if (identity === null) throw new FoyerError('unauthenticated');
    if (!identity.active) throw new FoyerError('identity_deactivated');
    if (identity.boxAccount === null) throw new FoyerError('no_box_account');
    const { boxUserId, missingSince } = identity.boxAccount;
    if (missingSince !== null) throw new FoyerError('box_user_missing');
    return { identityId, boxUserId };
  }

  /** The value of the result, or throws its fault. `isTop`: the call was about the root folder. */
  private async valueOf<T>(person: Person, result: BoxResult<T>, isTop: boolean): Promise<T> {
    if (result.ok) return result.value;
    const { code, detail, retryAfterMs }: BoxFault = result.fault;
    // Box acted as the person and found no such item, or none that they may see.
    if (code === 'not_found' && !isTop) throw new FoyerError('not_found');
    const why = await this.missing.explain(person.identityId, person.boxUserId, code);
    if (why !== code) throw new FoyerError(why);
    // An item of another person is answered like one that does not exist.
    if (code === 'box_forbidden' && !isTop) throw new FoyerError('not_found');
    throw new FoyerError(code, detail, { ...(retryAfterMs !== undefined && { retryAfterMs }) });
  }
}

function decode(cursor: string, folder: string): string {
  try {
    const [, of, marker] = Cursor.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
    if (of === folder) return marker;
  } catch {
    throw notACursor();
  }
  throw notACursor();
}

const notACursor = () =>
  new FoyerError('invalid_request', 'The cursor does not belong to this list.', {
    fields: [{ field: 'cursor', message: 'does not belong to this list' }],
  });
