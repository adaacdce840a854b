import { Inject, Injectable } from '@nestjs/common';
import { Identities } from '@foyer/persistence';
import type { BoxPort } from '@foyer/provisioning';
import { FoyerError, line, type FileListQuery, type FolderItem, type Page } from '@foyer/shared';
import { z } from 'zod';
import { PrincipalLimit } from '../limits/principal-limit.ts';
import { BOX } from '../parts.ts';
import { MissingUser } from './missing-user.ts';

/** The folder that each Box user has from the start. */
const rootFolder = '0';

const Cursor = z.tuple([z.literal('box'), line(2_000).min(1)]);

const encode = (marker: string): string => Buffer.from(JSON.stringify(['box', marker])).toString('base64url');

/** Looks into Box on people's behalf. */
@Injectable()
export class FilesService {
  constructor(
    private readonly identities: Identities,
    private readonly missing: MissingUser,
    private readonly limit: PrincipalLimit,
    @Inject(BOX) private readonly box: BoxPort,
  ) {}

  /**
   * A page of the person's own root folder: one call to Box, as that person. Throws `unauthenticated` for no such identity,
   * `too_many_requests` when they list their files too often, for Box's limit is everybody's,
   * `identity_deactivated`, `no_box_account`, `box_user_missing`, `box_app_changed`, `invalid_request` for a cursor that is not one of this list, or Box's fault.
   */
  async listRoot(identityId: string, { limit, cursor }: FileListQuery): Promise<Page<FolderItem>> {
    const marker = cursor === undefined ? undefined : decode(cursor);
    const identity = await this.identities.find(identityId);
    if (identity === null) throw new FoyerError('unauthenticated');
    if (!identity.active) throw new FoyerError('identity_deactivated');
    if (identity.boxAccount === null) throw new FoyerError('no_box_account');
    const { boxUserId, missingSince } = identity.boxAccount;
    if (missingSince !== null) throw new FoyerError('box_user_missing');
    const listed = await this.limit.withFiles(identityId, () =>
      this.box.listFolder(
        { requestId: null, identityId, lease: null },
        { boxUserId, folderId: rootFolder, limit, ...(marker !== undefined && { marker }) },
      ),
    );
    if (listed.ok) {
      const { items, nextMarker } = listed.value;
      return { items: [...items], nextCursor: nextMarker === null ? null : encode(nextMarker) };
    }
    const { code, detail, retryAfterMs } = listed.fault;
    // What Box can find wrong with this call is the marker.
    if (code === 'box_invalid' && marker !== undefined) throw notACursor();
    const why = await this.missing.explain(identityId, boxUserId, code);
    if (why !== code) throw new FoyerError(why);
    throw new FoyerError(code, detail, { ...(retryAfterMs !== undefined && { retryAfterMs }) });
  }
}

function decode(cursor: string): string {
  try {
    return Cursor.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()))[1];
  } catch {
    throw notACursor();
  }
}

const notACursor = () =>
  new FoyerError('invalid_request', 'The cursor is not one of this list.', {
    fields: [{ field: 'cursor', message: 'is not one of this list' }],
  });
