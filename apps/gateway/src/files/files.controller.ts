import { Controller, Get, Query, UseGuards, UsePipes } from '@nestjs/common';
import { FileListQuery, type FolderItem, type Page } from '@foyer/shared';
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
  list(
    @Query({ schema: FileListQuery }) query: FileListQuery,
    @Caller() { identityId }: SessionPrincipal,
  ): Promise<Page<FolderItem>> {
    return this.files.listRoot(identityId, query);
  }
}
