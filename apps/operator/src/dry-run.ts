import { boxAppOf, createBox } from '@foyer/box';
import {
  boxAppProblem,
  openBoxBudget,
  PostgresForecastStore,
  PrismaCallLog,
  TenantBoxApp,
  type Database,
} from '@foyer/persistence';
import { forecast, VerifyInterrupted } from '@foyer/provisioning';
import type { BatchEntry, BatchForecast, ForecastLine } from '@foyer/shared';
import { OperatorProblem, type Setting } from './command.ts';

/** How long a call waits for the rate limiter before it tries again, in milliseconds. */
const PERMIT_MS = 10_000;

/**
 * Prints for each line what importing it would do, and changes nothing. Returns the exit status: 1 when a line would
 * fail.
 */
export async function dryRun(
  entries: AsyncIterable<BatchEntry>,
  { database, tenantId }: { database: Database; tenantId: string },
  setting: Setting,
): Promise<number> {
  const config = setting.config();
  const auth = config.boxAuth();
  const boxApp = boxAppOf(auth);
  const problem = boxAppProblem(await new TenantBoxApp(database, tenantId, boxApp).read());
  if (problem !== null) throw new OperatorProblem(problem);
  const { BOX_BASE_URL: baseUrl, BOX_TIMEOUT_MS: timeoutMs } = config;
  const allowance = openBoxBudget(database, boxApp, config.BOX_CALLS_PER_MINUTE).permits('bulk', PERMIT_MS);
  const log = new PrismaCallLog(database, tenantId, 0);
  const box = createBox({ auth, baseUrl, timeoutMs, log, allowance });
  const bars = {
    reading: setting.terminal.progress('lines read'),
    listing: setting.terminal.progress('Box users read'),
  };
  try {
    const told = await forecast(entries, {
      store: new PostgresForecastStore(database, tenantId),
      box,
      stopping: setting.stopping,
      onProgress: (phase, done) => bars[phase].update(done, null),
    }).catch(toProblem);
    bars.reading.end();
    bars.listing.end();
    if (told.kind === 'unusable') throw unusable(told, setting);
    return await report(told.forecast, setting);
  } finally {
    await box.close();
  }
}

const stoppedByHand = () =>
  new OperatorProblem('Stopped before the end of the file: nothing was done, and there is no result.');

function unusable({ field, why }: { field: string; why: string }, { stopping }: Setting): OperatorProblem {
  return stopping.aborted
    ? stoppedByHand()
    : new OperatorProblem(`The file cannot be used: ${field} ${why}.`);
}

function toProblem(error: unknown): never {
  if (!(error instanceof VerifyInterrupted)) throw error;
  if (error.fault === null) throw stoppedByHand();
  const { code, detail } = error.fault;
  throw new OperatorProblem(`Box could not be read: ${detail} (docs/errors.md#${code}). Nothing was done.`);
}

async function report(
  { counts, lines, stopped }: BatchForecast,
  { terminal, stopping }: Setting,
): Promise<number> {
  if (stopping.aborted) throw stoppedByHand();
  for (const line of lines) {
    terminal.print(forecastLine(line));
    await terminal.drained();
  }
  if (stopped) terminal.print(`line ${stopped.line} and after: not read: ${stopped.why}`);
  const told = Object.entries(counts).filter(([what, count]) => count > 0 || what === 'lines');
  terminal.remark(`Nothing was done. ${told.map(([what, count]) => `${count} ${what}`).join(', ')}.`);
  return counts.refused + counts.failed > 0 || stopped ? 1 : 0;
}

function forecastLine({ line, subject, would, code, detail, errors }: ForecastLine): string {
  const why = [code, errors.map(({ field, message }) => `${field} ${message}`).join('; '), detail];
  const because = why.filter((part) => part !== null && part !== '').join(': ');
  return `line ${line}${subject === null ? '' : ` (${subject})`}: ${would}${because && `: ${because}`}`;
}
