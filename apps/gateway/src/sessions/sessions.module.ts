import { Module } from '@nestjs/common';
import { Sessions } from './sessions.ts';

@Module({ providers: [Sessions], exports: [Sessions] })
export class SessionsModule {}
