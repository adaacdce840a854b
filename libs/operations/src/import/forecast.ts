import { boxAppProblem, PostgresForecastStore, type TenantBoxApp } from '@foyer/persistence';
import { forecast, VerifyInterrupted, type BoxFault, type BoxPort } from '@foyer/provisioning';
import { readRoster, untilAborted } from '@foyer/roster';
import type { BatchForecast } from '@foyer/shared';
import type { TenantSources } from '../sources.ts';
import type { Stopped } from '../stopped.ts';
import type { PeopleFile, Unusable } from './import.ts';

export interface ImportSources extends TenantSources {
  readonly box: Pick<BoxPort, 'listUsers'>;
  readonly boxApp: TenantBoxApp;
}

export interface ForecastOptions {
  readonly stopping: AbortSignal;
  /** Receives the number of lines read, then the number of Box users listed. */
  readonly onProgress: (phase: 'reading' | 'listing', done: number) => void;
}

export type ImportForecast =
  | { readonly kind: 'forecast'; readonly forecast: BatchForecast }
  | Unusable
  | Stopped
  /** The work of this tenant is held; `problem` says why, and what to do. */
  | { readonly kind: 'held'; readonly problem: string }
  | { readonly kind: 'box-failed'; readonly fault: BoxFault };

/** What importing each line of a file would do. Changes nothing; its calls to Box are recorded. */
export async function forecastImport(
  { database, tenantId, box, boxApp }: ImportSources,
  { chunks, format, issuer }: PeopleFile,
  { stopping, onProgress }: ForecastOptions,
): Promise<ImportForecast> {
  const problem = boxAppProblem(await boxApp.read());
  if (problem !== null) return { kind: 'held', problem };
  const entries = readRoster(untilAborted(chunks, stopping), { format, issuer });
  const store = new PostgresForecastStore(database, tenantId);
  try {
    const result = await forecast(entries, { store, box, stopping, onProgress });
    // A file that was read in part leads to a forecast that is wrong for the file.
    return stopping.aborted ? { kind: 'stopped' } : result;
  } catch (error) {
    if (!(error instanceof VerifyInterrupted)) throw error;
    return error.fault === null ? { kind: 'stopped' } : { kind: 'box-failed', fault: error.fault };
  }
}
