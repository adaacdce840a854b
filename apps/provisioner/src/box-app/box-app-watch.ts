import { boxAppProblem, type TenantBoxApp } from '@foyer/persistence';
import { RepeatedTask, toPlainError, type BackgroundTask, type Logger } from '@foyer/platform';

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
  /** Its start throws an error of the first check; its stop waits for the listener. */
  readonly task: BackgroundTask;
  private readonly boxApp: Pick<TenantBoxApp, 'read'>;
  private readonly logger: Logger;
  private readonly listener: BoxAppListener;
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
    this.task = new RepeatedTask({
      ...{ name: 'box-app-watch', intervalMs: lookMs, waitsForFirstRound: true },
      round: () => this.look(),
      onError: (error) => logger.warn({ event: 'part-error', part: 'box-app', err: toPlainError(error) }),
    });
  }

  /** True while this provisioner must neither take jobs from the queue nor add any. */
  get isHeld(): boolean {
    return !this.isWorking;
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
