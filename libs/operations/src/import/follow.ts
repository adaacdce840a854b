import { setTimeout as pauseFor } from 'node:timers/promises';
import { Batches } from '@foyer/persistence';
import type { BatchFailure, ProvisioningBatch } from '@foyer/shared';
import type { TenantSources } from '../sources.ts';

const POLL_MS = 1_000;
/** When no request became final for this long, in milliseconds, perhaps no provisioner runs. */
const STILL_MS = 60_000;
const PAGE = 200;

export interface FollowOptions {
  /** Ends the following, and not the processing of the batch. */
  readonly stopping: AbortSignal;
  readonly onProgress: (batch: ProvisioningBatch) => void;
  /** Called once when no request became final within the last minute, and again after the next one that did. */
  readonly onStill: () => void;
  /** How often the batch is read, and after how long without an end it is still, in milliseconds. */
  readonly times?: { readonly pollMs: number; readonly stillMs: number };
}

/** `stopped`: the batch was not final when the following was stopped. */
export type Followed =
  { readonly kind: 'not-found' } | { readonly kind: 'final' | 'stopped'; readonly batch: ProvisioningBatch };

/** Reads a batch until the whole file was read and all its requests are final. Changes nothing. */
export async function followBatch(
  { database, tenantId }: TenantSources,
  id: string,
  {
    stopping,
    onProgress,
    onStill,
    times: { pollMs, stillMs } = { pollMs: POLL_MS, stillMs: STILL_MS },
  }: FollowOptions,
): Promise<Followed> {
  const batches = new Batches(database, tenantId);
  const stillness = new Stillness(stillMs, onStill);
  for (;;) {
    const batch = await batches.progress(id);
    if (batch === null) return { kind: 'not-found' };
    onProgress(batch);
    const { counts, state } = batch;
    if (counts.waiting === 0 && state !== 'receiving') return { kind: 'final', batch };
    stillness.observe(counts.lines - counts.waiting);
    if (stopping.aborted) return { kind: 'stopped', batch };
    await pauseFor(pollMs, undefined, { signal: stopping }).catch(() => undefined);
  }
}

/** The lines and the people of a batch that failed, in the order of the file; none when it does not exist. */
export async function* batchFailurePages(
  { database, tenantId }: TenantSources,
  id: string,
): AsyncGenerator<readonly BatchFailure[]> {
  const batches = new Batches(database, tenantId);
  let cursor: string | undefined;
  do {
    const page = await batches.find(id, { limit: PAGE, cursor });
    yield page?.failures.items ?? [];
    cursor = page?.failures.nextCursor ?? undefined;
  } while (cursor !== undefined);
}

/** Reports once when there was no progress for `stillMs`. */
class Stillness {
  private readonly stillMs: number;
  private readonly report: () => void;
  private done = -1;
  private since = performance.now();
  private isReported = false;

  constructor(stillMs: number, report: () => void) {
    this.stillMs = stillMs;
    this.report = report;
  }

  observe(done: number): void {
    if (done !== this.done) {
      this.done = done;
      this.since = performance.now();
      this.isReported = false;
    } else if (!this.isReported && performance.now() - this.since >= this.stillMs) {
      this.isReported = true;
      this.report();
    }
  }
}
