import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';

/** Signals that the gateway is stopping, so that held responses are sent at once. */
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
