import { Module } from '@nestjs/common';
import { AccessModule } from '../access/access.module.ts';
import { IntakeModule } from '../intake/intake.module.ts';
import { SessionsModule } from '../sessions/sessions.module.ts';
import { ApiCallsController } from './api-calls.controller.ts';
import { CallRecorder } from '../access/call-recorder.ts';
import { Holding } from './holding.ts';
import { IdentitiesController } from './identities.controller.ts';
import { MeController } from './me.controller.ts';
import { RequestsController } from './requests.controller.ts';
import { StatusReader } from './status-reader.ts';

/** The REST API for people, their requests and the recorded calls. */
@Module({
  imports: [AccessModule, IntakeModule, SessionsModule],
  controllers: [MeController, RequestsController, IdentitiesController, ApiCallsController],
  providers: [Holding, StatusReader, CallRecorder],
})
export class StatusModule {}
