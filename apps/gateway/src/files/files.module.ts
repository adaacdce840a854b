import { Module } from '@nestjs/common';
import { AccessModule } from '../access/access.module.ts';
import { FilesController } from './files.controller.ts';
import { FilesService } from './files.service.ts';
import { MissingUser } from './missing-user.ts';

/** People's Box files, on their behalf: the only room that talks to Box. */
@Module({
  imports: [AccessModule],
  controllers: [FilesController],
  providers: [FilesService, MissingUser],
  exports: [FilesService, MissingUser],
})
export class FilesModule {}
