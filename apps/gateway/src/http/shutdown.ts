import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';

/** Tells whoever holds an answer back that the gateway is stopping: answer now. */
@Injectable()
export class Shutdown implements BeforeApplicationShutdown {
  private readonly controller = new AbortController();

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  beforeApplicationShutdown(): void {
    this.controller.abort();
  }
}
