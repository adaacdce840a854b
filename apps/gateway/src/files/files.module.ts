import { Module } from '@nestjs/common';
import { AccessModule } from '../access/access.module.ts';
import { SessionsModule } from '../sessions/sessions.module.ts';
import { FilesController } from './files.controller.ts';
import { FilesPagesController } from './files-pages.controller.ts';
import { FilesService } from './files.service.ts';
import { MissingUser } from './missing-user.ts';

/** Access to people's Box files on their behalf; no other room of the gateway calls Box. */
@Module({
  imports: [AccessModule, SessionsModule],
  controllers: [FilesController, FilesPagesController],
  providers: [FilesService, MissingUser],
  exports: [FilesService],
})
export class FilesModule {}
