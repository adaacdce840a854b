import { setTimeout as pauseFor } from 'node:timers/promises';
import type { Batches } from '@foyer/persistence';
import type { BatchFailure, ProvisioningBatch } from '@foyer/shared';
import { OperatorProblem, type Setting } from './command.ts';

const LOOK_MS = 1_000;
/** When no request became final for this long, in milliseconds, perhaps no provisioner is running. */
const STILL_MS = 60_000;
const PAGE = 200;

/**
 * Shows the progress of a batch until all its requests are final, then its counts and its failures. Returns the exit
 * status: 1 when a person has to look at a line. Throws OperatorProblem when the batch does not exist, and after
 * Ctrl-C, which does not stop the batch itself.
 */
export async function followBatch(id: string, batches: Batches, setting: Setting): Promise<number> {
  const { terminal, stopping } = setting;
  const bar = terminal.progress('provisioning');
  const stillness = new Stillness(() =>
    terminal.remark(
      'No request became final within the last minute. Check that a provisioner runs and that Box answers: npm run foyer -- doctor',
    ),
  );
  let batch: ProvisioningBatch;
  try {
    for (;;) {
      batch = await look(id, batches);
      const { counts } = batch;
      const done = counts.lines - counts.waiting;
      bar.update(done, counts.lines, noteOf(batch));
      if (counts.waiting === 0 && batch.state !== 'receiving') break;
      stillness.look(done);
      if (stopping.aborted) break;
      await pauseFor(LOOK_MS, undefined, { signal: stopping }).catch(() => undefined);
    }
  } finally {
    bar.end();
  }
  if (batch.counts.waiting > 0) {
    const look = `npm run foyer -- import --follow ${id}`;
    throw new OperatorProblem(
      `Stopped following the batch. Its processing continues. To follow it again: ${look}`,
    );
  }
  return report(batch, batches, setting);
}

async function look(id: string, batches: Batches): Promise<ProvisioningBatch> {
  const batch = await batches.progress(id);
  if (batch === null) throw new OperatorProblem(`There is no batch ${id} in this tenant.`);
  return batch;
}

function noteOf({ counts, ratePerSecond }: ProvisioningBatch): string {
  const notes = [ratePerSecond === null ? '' : `${ratePerSecond}/s`];
  if (ratePerSecond !== null && ratePerSecond > 0 && counts.waiting > 0)
    notes.push(`about ${duration(counts.waiting / ratePerSecond)} left`);
  if (counts.failed + counts.refused > 0) notes.push(`${counts.failed + counts.refused} failed`);
  return notes.filter((note) => note !== '').join(', ');
}

export function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.ceil(whole / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Warns once when there was no progress for a while. */
class Stillness {
  private readonly tell: () => void;
  private done = -1;
  private since = performance.now();
  private told = false;

  constructor(tell: () => void) {
    this.tell = tell;
  }

  look(done: number): void {
    if (done !== this.done) {
      this.done = done;
      this.since = performance.now();
      this.told = false;
    } else if (!this.told && performance.now() - this.since >= STILL_MS) {
      this.told = true;
      this.tell();
    }
  }
}

async function report(batch: ProvisioningBatch, batches: Batches, { terminal }: Setting): Promise<number> {
  const { waiting: _none, lines, ...counts } = batch.counts;
  const width = String(lines).length + 2;
  terminal.print(`${String(lines).padStart(width)} lines`);
  for (const [what, count] of Object.entries(counts))
    if (count > 0) terminal.print(`${String(count).padStart(width)} ${what}`);
  if (batch.stopped) terminal.print(`Line ${batch.stopped.line} and after: ${batch.stopped.why}`);
  for (let cursor: string | undefined; ;) {
    const page = await batches.find(batch.id, { limit: PAGE, cursor });
    for (const failure of page?.failures.items ?? []) terminal.print(failureLine(failure));
    await terminal.drained();
    if (!page?.failures.nextCursor) break;
    cursor = page.failures.nextCursor;
  }
  return counts.failed + counts.refused > 0 || batch.stopped ? 1 : 0;
}

const failureLine = ({ line, subject, code, detail, errors, requestId }: BatchFailure): string => {
  const why = errors.map(({ field, message }) => `${field} ${message}`).join('; ') || detail;
  const whom = subject === null ? '' : ` (${subject})`;
  const where = requestId === null ? '' : ` [request ${requestId}]`;
  return `line ${line}${whom}: ${code}${why ? `: ${why}` : ''}${where}`;
};
