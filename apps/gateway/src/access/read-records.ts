import { setTimeout as pause } from 'node:timers/promises';
import type { CallRecord, RefusedRecord } from '@foyer/persistence';
import {
  publicMessage,
  toPlainError,
  type BackgroundTask,
  type Logger,
  type TaskState,
} from '@foyer/platform';

/** The longest time that a record waits for others, in milliseconds, and the most records in one statement. */
const WAIT_MS = 100;
const MOST_IN_SET = 200;
/** The most records that wait while the database does not take them; further calls then write their own record. */
const MOST_WAITING = 5_000;
/** The pause after a set that could not be written, in milliseconds. */
const RETRY_MS = 1_000;
/** How long a stop tries to write what is left, in milliseconds; shorter than what `BackgroundTasks` allows. */
const STOP_LIMIT_MS = 5_000;
const STOP_RETRY_MS = 100;

interface Waiting {
  readonly record: CallRecord;
  readonly since: number;
}

interface RecordSets {
  recordAll(records: readonly CallRecord[]): Promise<readonly RefusedRecord[]>;
}

/**
 * Collects the records of calls that change nothing, and writes them in sets, so that a read costs no statement and no
 * commit of its own. Only a crash loses records, at most those of the last `WAIT_MS` while the database answers. A set
 * that could not be written is kept and tried again. If the connection broke after the commit, it is written twice.
 */
export class ReadRecords implements BackgroundTask {
  readonly name = 'read-records';
  private readonly waiting: Waiting[] = [];
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> | undefined;
  private writingSince: number | null = null;
  private failingSince: number | null = null;
  private lastError: string | null = null;
  private isStopped = false;

  constructor(
    private readonly log: RecordSets,
    private readonly logger: Pick<Logger, 'error'>,
    private readonly stopLimitMs = STOP_LIMIT_MS,
  ) {}

  /** False: there is no room, or the gateway is stopping. The caller then writes the record itself. */
  add(record: CallRecord): boolean {
    if (this.isStopped || this.waiting.length >= MOST_WAITING) return false;
    this.waiting.push({ record, since: performance.now() });
    this.plan();
    return true;
  }

  /** Writes what waits now. Throws the error of a set that could not be written; its records still wait. */
  async flush(): Promise<void> {
    for (let left = this.waiting.length; left > 0; left -= MOST_IN_SET) {
      await this.writing;
      await this.writeSet();
      if (this.lastError !== null) throw new Error(this.lastError);
    }
    await this.writing;
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    const until = performance.now() + this.stopLimitMs;
    for (;;) {
      await this.flush().catch(() => undefined);
      if (this.waiting.length === 0) return;
      if (performance.now() > until) throw new Error(`${this.waiting.length} records of reads are lost.`);
      await pause(STOP_RETRY_MS);
    }
  }

  state(): TaskState {
    const since = (start: number | null) => (start === null ? 0 : performance.now() - start);
    return {
      failingMs: since(this.failingSince),
      roundMs: since(this.writingSince),
      lastError: this.lastError,
    };
  }

  /** Makes sure that the oldest record is written in time, or at once when a set is full. */
  private plan(): void {
    const [oldest] = this.waiting;
    if (oldest === undefined || this.writing !== undefined || this.isStopped) return;
    const isFull = this.waiting.length >= MOST_IN_SET;
    if (this.timer !== undefined && (!isFull || this.failingSince !== null)) return;
    clearTimeout(this.timer);
    const untilDue = isFull ? 0 : Math.max(0, oldest.since + WAIT_MS - performance.now());
    this.timer = setTimeout(() => void this.writeSet(), this.failingSince === null ? untilDue : RETRY_MS);
  }

  private async writeSet(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.writing ??= this.write().finally(() => {
      this.writing = undefined;
      this.plan();
    });
    await this.writing;
  }

  /** Never throws. */
  private async write(): Promise<void> {
    const set = this.waiting.slice(0, MOST_IN_SET).map(({ record }) => record);
    if (set.length === 0) return;
    this.writingSince = performance.now();
    try {
      const refused = await this.log.recordAll(set);
      this.waiting.splice(0, set.length);
      this.failingSince = null;
      this.lastError = null;
      for (const { record, error } of refused) this.report(error, { operation: record.intent.operation });
    } catch (error) {
      this.failingSince ??= performance.now();
      this.lastError = publicMessage(error);
      this.report(error, { waiting: this.waiting.length });
    } finally {
      this.writingSince = null;
    }
  }

  private report(error: unknown, about: { readonly operation: string } | { readonly waiting: number }): void {
    this.logger.error({ event: 'call-not-recorded', ...about, err: toPlainError(error) });
  }
}
