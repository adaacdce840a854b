import { batchFailurePages, followBatch, type TenantSources } from '@foyer/operations';
import type { BatchFailure, ProvisioningBatch } from '@foyer/shared';
import { OperatorProblem, type Setting } from '../../command.ts';
import type { Terminal } from '../../terminal.ts';

/**
 * Shows the progress of a batch until all its requests are final, then its counts and its failures. Returns the exit
 * status: 1 when a person has to look at a line. Throws OperatorProblem when the batch does not exist, and after
 * Ctrl-C, which does not stop the batch itself.
 */
export async function followAndReport(
  id: string,
  sources: TenantSources,
  { terminal, stopping }: Setting,
): Promise<number> {
  const bar = terminal.progress('provisioning');
  const followed = await followBatch(sources, id, {
    stopping,
    onProgress: (batch) =>
      bar.update(batch.counts.lines - batch.counts.waiting, batch.counts.lines, noteOf(batch)),
    onStill: () =>
      terminal.remark(
        'No request became final within the last minute. Check that a provisioner runs and that Box answers: npm run foyer -- doctor',
      ),
  }).finally(() => bar.end());
  switch (followed.kind) {
    case 'not-found':
      throw new OperatorProblem(`There is no batch ${id} in this tenant.`);
    case 'stopped':
      throw new OperatorProblem(
        `Stopped following the batch. Its processing continues. To follow it again: npm run foyer -- import --follow ${id}`,
      );
    case 'final':
      return report(followed.batch, sources, terminal);
  }
}

function noteOf({ counts, ratePerSecond }: ProvisioningBatch): string {
  const notes = [ratePerSecond === null ? '' : `${ratePerSecond}/s`];
  if (ratePerSecond !== null && ratePerSecond > 0 && counts.waiting > 0)
    notes.push(`about ${timeLeft(counts.waiting / ratePerSecond)} left`);
  if (counts.failed + counts.refused > 0) notes.push(`${counts.failed + counts.refused} failed`);
  return notes.filter((note) => note !== '').join(', ');
}

function timeLeft(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.ceil(whole / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

async function report(batch: ProvisioningBatch, sources: TenantSources, terminal: Terminal): Promise<number> {
  const { waiting: _none, lines, ...counts } = batch.counts;
  const width = String(lines).length + 2;
  terminal.print(`${String(lines).padStart(width)} lines`);
  for (const [what, count] of Object.entries(counts))
    if (count > 0) terminal.print(`${String(count).padStart(width)} ${what}`);
  if (batch.stopped) terminal.print(`Line ${batch.stopped.line} and after: ${batch.stopped.why}`);
  for await (const page of batchFailurePages(sources, batch.id)) {
    for (const failure of page) terminal.print(failureLine(failure));
    await terminal.drained();
  }
  return counts.failed + counts.refused > 0 || batch.stopped ? 1 : 0;
}

const failureLine = ({ line, subject, code, detail, errors, requestId }: BatchFailure): string => {
  const why = errors.map(({ field, message }) => `${field} ${message}`).join('; ') || detail;
  const whom = subject === null ? '' : ` (${subject})`;
  const where = requestId === null ? '' : ` [request ${requestId}]`;
  return `line ${line}${whom}: ${code}${why ? `: ${why}` : ''}${where}`;
};
