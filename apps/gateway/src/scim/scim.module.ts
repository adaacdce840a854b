import { Module } from '@nestjs/common';
import { AccessModule } from '../access/access.module.ts';
import { ScimDoor } from './access/scim-door.ts';

/** The SCIM 2.0 server. Whatever is below its paths has passed the door. */
@Module({ imports: [AccessModule], providers: [ScimDoor], exports: [ScimDoor] })
export class ScimModule {}
