import { setTimeout as pause } from 'node:timers/promises';
import { boxAppProblem, type TenantBoxApp } from '@foyer/persistence';
import { toPlainError, type Logger } from '@foyer/platform';

/** Called when the tenant's accounts belong to this Box app (`work`), and when they belong to another one (`rest`). */
export interface BoxAppListener {
  readonly work: () => Promise<void>;
  readonly rest: () => Promise<void>;
}

/** How often the binding is read, in milliseconds, and so the delay until an operator's decision takes effect. */
const LOOK_MS = 5_000;
const REPEAT_MS = 60_000;

/**
 * Lets this provisioner work only while the tenant's accounts belong to its Box app. The fence itself is in the
 * database; this class leaves the jobs in the queue for a provisioner of the right app, and logs the problem at once
 * and each minute.
 */
export class BoxAppWatch {
  private readonly boxApp: Pick<TenantBoxApp, 'read'>;
  private readonly logger: Logger;
  private readonly listener: BoxAppListener;
  private readonly lookMs: number;
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private isWorking = false;
  private toldAt = -Infinity;

  constructor(
    boxApp: Pick<TenantBoxApp, 'read'>,
    logger: Logger,
    listener: BoxAppListener,
    lookMs: number = LOOK_MS,
  ) {
    this.boxApp = boxApp;
    this.logger = logger;
    this.listener = listener;
    this.lookMs = lookMs;
  }

  /** True while this provisioner must neither take jobs from the queue nor add any. */
  get isHeld(): boolean {
    return !this.isWorking;
  }

  /** Checks once, then regularly in the background. Throws an error of the first check. */
  async start(): Promise<void> {
    await this.look();
    this.running = this.run();
  }

  /** Stops after the current check. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    for (;;) {
      await pause(this.lookMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      try {
        await this.look();
      } catch (error) {
        this.logger.warn({ event: 'part-error', part: 'box-app', err: toPlainError(error) });
      }
    }
  }

  private async look(): Promise<void> {
    const problem = boxAppProblem(await this.boxApp.read());
    if (problem === null) {
      if (this.isWorking) return;
      await this.listener.work();
      this.isWorking = true;
      this.toldAt = -Infinity;
      return;
    }
    if (performance.now() - this.toldAt >= REPEAT_MS) {
      this.toldAt = performance.now();
      this.logger.error({ event: 'box-app-changed', reason: problem });
    }
    if (!this.isWorking) return;
    this.isWorking = false;
    await this.listener.rest();
  }
}
