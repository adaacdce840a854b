import { Controller, Get, Header, Param, Query, Redirect, Req, Res, UsePipes } from '@nestjs/common';
import { BoxItemId, FileListQuery, FoyerError } from '@foyer/shared';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { ValidationPipe } from '../access/validation.ts';
import { Sessions } from '../sessions/sessions.ts';
import { folderPage } from './files-pages.ts';
import { FilesService } from './files.service.ts';

const PAGE_SIZE = 100;

const PageQuery = z.object({ cursor: FileListQuery.shape.cursor });
type PageQuery = z.infer<typeof PageQuery>;

/** Pages of a person's folders, and the downloads of their files. */
@Controller('files')
@UsePipes(ValidationPipe)
export class FilesPagesController {
  constructor(
    private readonly files: FilesService,
    private readonly sessions: Sessions,
  ) {}

  @Get(['', ':folder'])
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('cache-control', 'no-store')
  async folder(
    @Req() req: Request,
    @Res({ passthrough: true }) res: Response,
    @Query({ schema: PageQuery }) { cursor }: PageQuery,
    @Param('folder') id = '0',
  ): Promise<string> {
    const folder = itemId(id);
    return this.asSignedIn(req, res, async (identityId) => {
      const listing = await this.files.listNamed(identityId, { folder, limit: PAGE_SIZE, cursor });
      return folderPage(listing, { folder, cursor });
    });
  }

  /** Redirects the browser to the short-lived address that Box returns for the content, which needs no token. */
  @Get(':file/content')
  @Redirect()
  @Header('cache-control', 'no-store')
  async content(
    @Req() req: Request,
    @Res({ passthrough: true }) res: Response,
    @Param('file') id: string,
  ): Promise<{ url: string; statusCode: number }> {
    const fileId = itemId(id);
    return this.asSignedIn(req, res, async (identityId) => ({
      url: await this.files.locate(identityId, fileId),
      statusCode: 302,
    }));
  }

  /** Box may take long, so the session is checked again before its answer is sent. */
  private async asSignedIn<T>(
    req: Request,
    res: Response,
    work: (identityId: string) => Promise<T>,
  ): Promise<T> {
    const { identityId } = req.session;
    if (identityId === undefined) throw new FoyerError('unauthenticated');
    const [outcome] = await Promise.allSettled([work(identityId)]);
    if (!(await this.sessions.isStanding(req))) {
      await this.sessions.end(req, res);
      throw new FoyerError('unauthenticated');
    }
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  }
}

/** An invalid id is answered like an id that does not exist. */
function itemId(text: string): string {
  const id = BoxItemId.safeParse(text);
  if (!id.success) throw new FoyerError('not_found');
  return id.data;
}
