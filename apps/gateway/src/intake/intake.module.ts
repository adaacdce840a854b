import { Module } from '@nestjs/common';
import { SessionsModule } from '../sessions/sessions.module.ts';
import { IntakeService } from './intake.service.ts';

@Module({ imports: [SessionsModule], providers: [IntakeService], exports: [IntakeService] })
export class IntakeModule {}
