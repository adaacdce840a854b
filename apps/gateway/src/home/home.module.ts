import { Module } from '@nestjs/common';
import { FilesModule } from '../files/files.module.ts';
import { IntakeModule } from '../intake/intake.module.ts';
import { SessionsModule } from '../sessions/sessions.module.ts';
import { HomeController } from './home.controller.ts';

@Module({ imports: [FilesModule, IntakeModule, SessionsModule], controllers: [HomeController] })
export class HomeModule {}
