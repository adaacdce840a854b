import { Global, Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { AssetsController } from './pages/assets.controller.ts';
import { ErrorFilter } from './error.filter.ts';
import { Shutdown } from './shutdown.ts';

/** Shared by all rooms: errors as responses, the assets of our pages, and the shutdown signal. */
@Global()
@Module({
  controllers: [AssetsController],
  providers: [Shutdown, { provide: APP_FILTER, useClass: ErrorFilter }],
  exports: [Shutdown],
})
export class HttpModule {}
