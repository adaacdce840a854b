import { Inject, Injectable } from '@nestjs/common';
import { Identities } from '@foyer/persistence';
import type { BoxFault, BoxPort, BoxResult } from '@foyer/provisioning';
import { BoxItemId, FoyerError, line, type FileListQuery, type FolderItem, type Page } from '@foyer/shared';
import { z } from 'zod';
import { PrincipalLimit } from '../limits/principal-limit.ts';
import { BOX } from '../parts.ts';
import { MissingUser } from './missing-user.ts';

/** The folder that each Box user has from the start. */
const topFolder = '0';

/** A list's name, the folder, and Box's marker. */
const Cursor = z.tuple([z.literal('box'), BoxItemId, line(2_000).min(1)]);

const encode = (folder: string, marker: string): string =>
  Buffer.from(JSON.stringify(['box', folder, marker])).toString('base64url');

/** Whom Box is asked for. */
interface Person {
  readonly identityId: string;
  readonly boxUserId: string;
}

/** A page of a folder. `folderName` is null for the top folder, and for an empty one. */
export interface Listing extends Page<FolderItem> {
  readonly folderName: string | null;
}

type ListQuery = Omit<FileListQuery, 'cursor'> & { readonly cursor?: string | undefined };

/** Asks Box on behalf of people, as them: Box decides what is theirs. */
@Injectable()
export class FilesService {
  constructor(
    private readonly identities: Identities,
    private readonly missing: MissingUser,
    private readonly limit: PrincipalLimit,
    @Inject(BOX) private readonly box: BoxPort,
  ) {}

  /**
   * A page of one of the person's folders: one call to Box. Throws `unauthenticated` for no such identity,
   * `identity_deactivated`, `no_box_account`, `box_user_missing`, and what `listOf` throws.
   */
  async list(identityId: string, query: ListQuery): Promise<Listing> {
    return this.listOf(await this.personOf(identityId), query);
  }

  /**
   * The same for somebody whose Box account is known. Throws `not_found` for a folder that is not theirs,
   * `too_many_requests` when they ask for their files too often, for Box's limit is everybody's, `box_user_missing`,
   * `box_app_changed`, `invalid_request` for a cursor that is not one of this list, or Box's fault.
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
    // What Box can find wrong with this call is the marker.
    if (!listed.ok && listed.fault.code === 'box_invalid' && marker !== undefined) throw notACursor();
    const { items, nextMarker, folderName } = await this.valueOf(person, listed, folder === topFolder);
    const nextCursor = nextMarker === null ? null : encode(folder, nextMarker);
    return { items: [...items], nextCursor, folderName };
  }

  /** Where Box gives the content of one of the person's files, for a short while and without a token. Throws as `list` does. */
  async locate(identityId: string, fileId: string): Promise<string> {
    const person = await this.personOf(identityId);
    const { boxUserId } = person;
    const located = await this.limit.withFiles(identityId, () =>
      this.box.locateContent({ requestId: null, identityId, lease: null }, { boxUserId, fileId }),
    );
    return this.valueOf(person, located, false);
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

  /** What Box gave; throws why it gave nothing. `isTop`: asked for the folder that everybody has. */
  private async valueOf<T>(person: Person, result: BoxResult<T>, isTop: boolean): Promise<T> {
    if (result.ok) return result.value;
    const { code, detail, retryAfterMs }: BoxFault = result.fault;
    // Box did act as the person: it knows no such item, or none that is theirs.
    if (code === 'not_found' && !isTop) throw new FoyerError('not_found');
    const why = await this.missing.explain(person.identityId, person.boxUserId, code);
    if (why !== code) throw new FoyerError(why);
    // An item of somebody else is answered as one that does not exist.
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
