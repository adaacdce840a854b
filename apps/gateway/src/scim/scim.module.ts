import { Module } from '@nestjs/common';
import { AccessModule } from '../access/access.module.ts';
import { IntakeModule } from '../intake/intake.module.ts';
import { ScimAuthenticator } from './access/scim-authenticator.ts';
import { BulkController } from './bulk.controller.ts';
import { BulkService } from './bulk.service.ts';
import { DiscoveryController } from './discovery.controller.ts';
import { GroupsService } from './groups.service.ts';
import { IgnoredNames } from './unknown/ignored-names.ts';
import { GroupsController, UsersController } from './resources.controller.ts';
import { UsersService } from './users.service.ts';

/** The SCIM 2.0 server. ScimAuthenticator authenticates every call below its paths. */
@Module({
  imports: [AccessModule, IntakeModule],
  controllers: [UsersController, GroupsController, BulkController, DiscoveryController],
  providers: [ScimAuthenticator, UsersService, GroupsService, BulkService, IgnoredNames],
  exports: [ScimAuthenticator],
})
export class ScimModule {}
