import { boxAppOf, createBox, type Box } from '@foyer/box';
import { openTenant, PrismaCallLog, PrismaConvergenceStore } from '@foyer/persistence';
import { runAttempt, type Job, type JobQueue } from '@foyer/provisioning';
import type { GatewayContext } from '../context.ts';

const LEASE_MS = 30_000;
/** The longest wait until a delayed job runs again. */
const AGAIN_MS = 200;
/** The most attempts for which a test waits. */
const policy = { attempts: 2, baseMs: 50, maxMs: 50 };

/**
 * A queue and its worker in one: it runs each job at once, in this process, with the real rules and the real store.
 * `pause` keeps jobs waiting until `resume`.
 */
export class InlineWorker implements JobQueue {
  private readonly store: PrismaConvergenceStore;
  private readonly box: Box;
  private readonly running = new Set<Promise<void>>();
  private readonly timers = new Set<NodeJS.Timeout>();
  private readonly stopping = new AbortController();
  private gate = Promise.withResolvers<void>();
  /** Every job that was added. */
  readonly added: Job[] = [];

  private constructor(store: PrismaConvergenceStore, box: Box) {
    this.store = store;
    this.box = box;
    this.gate.resolve();
  }

  static async of({ config, database }: GatewayContext): Promise<InlineWorker> {
    const tenantId = await openTenant(database, config.FOYER_TENANT);
    const box = createBox({
      auth: config.boxAuth,
      baseUrl: config.BOX_BASE_URL,
      timeoutMs: config.BOX_TIMEOUT_MS,
      log: new PrismaCallLog(database, tenantId, LEASE_MS),
    });
    return new InlineWorker(
      new PrismaConvergenceStore(database, tenantId, {
        leaseMs: LEASE_MS,
        relayGraceMs: 5_000,
        boxApp: boxAppOf(config.boxAuth),
        recreateDeleted: config.RECREATE_DELETED,
      }),
      box,
    );
  }

  pause(): void {
    this.gate = Promise.withResolvers<void>();
  }

  resume(): void {
    this.gate.resolve();
  }

  async add(jobs: readonly Job[]): Promise<void> {
    for (const job of jobs) {
      this.added.push(job);
      this.begin(job.payload.requestId);
    }
  }

  async depth(): ReturnType<JobQueue['depth']> {
    return {
      interactive: { waiting: 0, delayed: this.timers.size, active: this.running.size },
      background: { waiting: 0, delayed: 0, active: 0 },
    };
  }

  async ping(): Promise<void> {}

  async close(): Promise<void> {
    this.stopping.abort();
    this.resume();
    for (const timer of this.timers) clearTimeout(timer);
    await Promise.all(this.running);
    await this.box.close();
  }

  private begin(requestId: string): void {
    // An attempt that throws is like a worker that died: its lease expires, and the request stays open.
    const work = this.gate.promise.then(() => this.attempt(requestId)).catch(() => undefined);
    this.running.add(work);
    void work.then(() => this.running.delete(work));
  }

  private again(requestId: string, delayMs: number): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      this.begin(requestId);
    }, delayMs);
    this.timers.add(timer);
  }

  private async attempt(requestId: string): Promise<void> {
    const { store, box, stopping } = this;
    const parts = { store, box, policy, stopping: stopping.signal, tell: () => undefined };
    const end = await runAttempt(requestId, parts);
    if (end.kind === 'again' && !stopping.signal.aborted)
      this.again(requestId, Math.min(AGAIN_MS, end.delayMs));
  }
}
