import { Controller, Get, Param, Query, Redirect, UseGuards, UsePipes } from '@nestjs/common';
import { FileListQuery, FileParams, type FolderItem, type Page } from '@foyer/shared';
import { AccessGuard } from '../access/access.guard.ts';
import { Caller, OpenToSessions, type SessionPrincipal } from '../access/principal.ts';
import { ValidationPipe } from '../access/validation.ts';
import { FilesService } from './files.service.ts';

@Controller('v1/me/files')
@UseGuards(AccessGuard)
@UsePipes(ValidationPipe)
export class FilesController {
  constructor(private readonly files: FilesService) {}

  @Get()
  @OpenToSessions()
  async list(
    @Query({ schema: FileListQuery }) query: FileListQuery,
    @Caller() { identityId }: SessionPrincipal,
  ): Promise<Page<FolderItem>> {
    const { items, nextCursor } = await this.files.list(identityId, query);
    return { items, nextCursor };
  }

  @Get(':id/content')
  @OpenToSessions()
  @Redirect()
  async content(
    @Param({ schema: FileParams }) { id }: FileParams,
    @Caller() { identityId }: SessionPrincipal,
  ): Promise<{ url: string; statusCode: number }> {
    return { url: await this.files.locate(identityId, id), statusCode: 302 };
  }
}
