import { Global, Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { AssetsController } from './assets.controller.ts';
import { ErrorFilter } from './error.filter.ts';
import { Shutdown } from './shutdown.ts';

/** What every room shares: errors as answers, our pages' assets, the news that the gateway is stopping. */
@Global()
@Module({
  controllers: [AssetsController],
  providers: [Shutdown, { provide: APP_FILTER, useClass: ErrorFilter }],
  exports: [Shutdown],
})
export class HttpModule {}
