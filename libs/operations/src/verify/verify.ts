import {
  openVerifyStore,
  VerifyRepairs,
  type FormerRun,
  type PostgresVerifyStore,
  type ReportedDiscrepancy,
} from '@foyer/persistence';
import {
  discrepancyKinds,
  verify,
  VerifyInterrupted,
  type BoxFault,
  type BoxPort,
  type Certificate,
  type DiscrepancyKind,
  type GroupReader,
  type VerifyParts,
  type VerifyRun,
} from '@foyer/provisioning';
import { commandIntent } from '../on-record.ts';
import type { TenantSources } from '../sources.ts';
import type { Stopped } from '../stopped.ts';
import { meaningOf, type DiscrepancyMeaning } from './meaning.ts';

/** Box's markers expire, so a run can be continued only within this time, in milliseconds. */
const RESUME_WITHIN_MS = 60 * 60_000;
/** A call ends within its time limit; if its outcome is not recorded so many milliseconds later, it never will be. */
const OUTCOME_GRACE_MS = 5_000;
const PAGE = 1000;

/** `database` must be opened with a statement limit of VERIFY_STATEMENT_MS, for a tenant of a million identities. */
export interface VerifySources extends TenantSources {
  readonly box: BoxPort & GroupReader;
  /** The time limit of a call to Box, in milliseconds: no worker waits longer for an answer. */
  readonly callTimeoutMs: number;
}

export interface VerifyOptions extends Pick<VerifyParts, 'stopping' | 'onProgress' | 'onRemark'> {
  /** Whether an interrupted run is continued: when there is one, in any case, or not at all. */
  readonly resume: 'if-possible' | 'only' | 'never';
  readonly onResumed: (run: VerifyRun) => void;
}

/** A finished run, while no other run of the tenant can begin and replace what it has found. */
export interface VerifiedRun {
  readonly run: VerifyRun;
  readonly certificate: Certificate;
  /** The run before. */
  readonly former: FormerRun | null;
  readonly total: number;
  /** How many discrepancies of a kind there are, and how many of these were not rechecked. */
  readonly count: (kind: DiscrepancyKind) => { readonly count: number; readonly unconfirmed: number };
  /** The discrepancies of a kind, at most `most`, in pages. */
  readonly pages: (
    kind: DiscrepancyKind,
    most?: number,
  ) => AsyncGenerator<readonly (ReportedDiscrepancy & Pick<DiscrepancyMeaning, 'remedy' | 'docs'>)[]>;
  /**
   * Opens a request for each discrepancy that a request can fix, and returns how many are open. The audit log names
   * `operator` for each, in the transaction that opens it.
   */
  readonly repair: (operator: string) => Promise<number>;
}

export type Verification<T> =
  /** Another run of this tenant is in progress. */
  | { readonly kind: 'busy' }
  | { readonly kind: 'nothing-to-resume' }
  /** What was read is kept, and the next run can continue it. */
  | Stopped
  /** Box could not be read; as for `stopped`, the next run can continue. */
  | { readonly kind: 'box-failed'; readonly fault: BoxFault }
  | { readonly kind: 'verified'; readonly value: T };

/**
 * Reads all people and groups from Box, compares them with the database, and gives the result to `work`. Changes nothing
 * in Box; its calls are recorded.
 */
export async function verifyTenant<T>(
  { database, tenantId, box, callTimeoutMs }: VerifySources,
  { resume, onResumed, ...options }: VerifyOptions,
  work: (verified: VerifiedRun) => Promise<T>,
): Promise<Verification<T>> {
  const store = await openVerifyStore(database, tenantId);
  if (store === null) return { kind: 'busy' };
  try {
    const run = await runOf(store, resume, onResumed);
    if (run === null) return { kind: 'nothing-to-resume' };
    const writeAgeMs = callTimeoutMs + OUTCOME_GRACE_MS;
    const result = await verified(verify(run, { ...options, box, store, writeAgeMs }));
    if (result.kind !== 'verified') return result;
    const value = await work(await describe(run, result.value, store, { database, tenantId }));
    return { kind: 'verified', value };
  } finally {
    await store.close();
  }
}

async function runOf(
  store: PostgresVerifyStore,
  resume: VerifyOptions['resume'],
  onResumed: VerifyOptions['onResumed'],
): Promise<VerifyRun | null> {
  const unfinished = resume === 'never' ? null : await store.unfinished(RESUME_WITHIN_MS);
  if (unfinished === null) return resume === 'only' ? null : store.begin();
  onResumed(unfinished);
  return unfinished;
}

async function verified(
  running: Promise<Certificate>,
): Promise<Exclude<Verification<Certificate>, { kind: 'busy' | 'nothing-to-resume' }>> {
  try {
    return { kind: 'verified', value: await running };
  } catch (error) {
    if (!(error instanceof VerifyInterrupted)) throw error;
    return error.fault === null ? { kind: 'stopped' } : { kind: 'box-failed', fault: error.fault };
  }
}

async function describe(
  run: VerifyRun,
  certificate: Certificate,
  store: PostgresVerifyStore,
  { database, tenantId }: TenantSources,
): Promise<VerifiedRun> {
  const rows = new Map((await store.discrepancyCounts(run.id)).map((row) => [row.kind, row]));
  const count = (kind: DiscrepancyKind) => rows.get(kind) ?? { count: 0, unconfirmed: 0 };
  return {
    ...{ run, certificate, count },
    former: await store.former(run.id),
    total: discrepancyKinds.reduce((sum, kind) => sum + count(kind).count, 0),
    pages: (kind, most) => pagesOf(store, run.id, kind, most),
    repair: (operator) =>
      new VerifyRepairs(database, tenantId).open(
        run.id,
        commandIntent('verify_repair', 'verify --repair', operator),
      ),
  };
}

async function* pagesOf(
  store: PostgresVerifyStore,
  runId: string,
  kind: DiscrepancyKind,
  most = Infinity,
): ReturnType<VerifiedRun['pages']> {
  const { remedy, docs } = meaningOf(kind);
  let after: string | null = null;
  for (let left = most; left > 0;) {
    const limit = Math.min(PAGE, left);
    const page: ReportedDiscrepancy[] = await store.discrepancies(runId, kind, { after, limit });
    yield page.map((discrepancy) => ({ ...discrepancy, remedy, docs }));
    if (page.length < limit) return;
    after = page.at(-1)!.id;
    left -= page.length;
  }
}
