import { Module } from '@nestjs/common';
import { IntakeModule } from '../intake/intake.module.ts';
import { SessionsModule } from '../sessions/sessions.module.ts';
import { HomeController } from './home.controller.ts';

@Module({ imports: [IntakeModule, SessionsModule], controllers: [HomeController] })
export class HomeModule {}
