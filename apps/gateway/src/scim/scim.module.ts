import { Module } from '@nestjs/common';
import { AccessModule } from '../access/access.module.ts';
import { IntakeModule } from '../intake/intake.module.ts';
import { ScimDoor } from './access/scim-door.ts';
import { BulkController } from './bulk.controller.ts';
import { BulkService } from './bulk.service.ts';
import { DiscoveryController } from './discovery.controller.ts';
import { GroupsService } from './groups.service.ts';
import { IgnoredNames } from './unknown/ignored-names.ts';
import { GroupsController, UsersController } from './resources.controller.ts';
import { UsersService } from './users.service.ts';

/** The SCIM 2.0 server. ScimDoor authenticates every call below its paths. */
@Module({
  imports: [AccessModule, IntakeModule],
  controllers: [UsersController, GroupsController, BulkController, DiscoveryController],
  providers: [ScimDoor, UsersService, GroupsService, BulkService, IgnoredNames],
  exports: [ScimDoor],
})
export class ScimModule {}
