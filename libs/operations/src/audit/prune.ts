import {
  AuditPruner,
  firstMonthKept,
  PruningHeldUp,
  type KeptReason,
  type PrunableMonth,
} from '@foyer/persistence';
import type { TenantSources } from '../sources.ts';

/** How many full months may be kept besides the current one. */
export const monthsKept = { least: 1, most: 9999 } as const;

export const isMonthsKept = (months: number): boolean =>
  Number.isInteger(months) && months >= monthsKept.least && months <= monthsKept.most;

export interface AuditPruningPlan {
  /** The first month that is kept, YYYY-MM. */
  readonly before: string;
  readonly months: readonly PrunableMonth[];
  /** The blocks whose rows would be removed. */
  readonly blocks: number;
}

/** What pruning would remove. Changes nothing. Throws RangeError unless `keep` is a valid number of months. */
export async function planAuditPruning(
  { database, tenantId }: TenantSources,
  keep: number,
): Promise<AuditPruningPlan> {
  if (!isMonthsKept(keep))
    throw new RangeError(`From ${monthsKept.least} to ${monthsKept.most} months can be kept.`);
  const before = firstMonthKept(new Date(), keep);
  const months = await new AuditPruner(database, tenantId).months(before);
  return { before, months, blocks: months.reduce((sum, each) => sum + each.blocks, 0) };
}

export interface AuditPruningOptions {
  /** The operator's name for the audit log. */
  readonly operator: string;
  /** Ends the pruning after the current run; what is removed stays removed. */
  readonly stopping: AbortSignal;
  /** Receives the number of blocks that were processed so far. */
  readonly onProgress: (blocks: number) => void;
  /** How long sealing the record of a run may take, in milliseconds; the default is a minute. */
  readonly sealWithinMs?: number;
}

export interface AuditPruned {
  readonly removed: number;
  /** How many rows were kept because they are still needed, by reason. */
  readonly kept: Readonly<Record<KeptReason, number>>;
  /** `held-up`: `problem` says why the last run removed nothing, and what to do. */
  readonly end: 'finished' | 'stopped' | 'held-up';
  readonly problem: string | null;
}

/** Carries a plan out. Each run names `operator` in the chain that it shortens, before it removes anything. */
export async function pruneAudit(
  { database, tenantId }: TenantSources,
  { before }: Pick<AuditPruningPlan, 'before'>,
  { operator, stopping, onProgress, sealWithinMs }: AuditPruningOptions,
): Promise<AuditPruned> {
  const kept = { 'open-request': 0, 'unsettled-create': 0, outcome: 0, pruning: 0 };
  let [blocks, removed] = [0, 0];
  try {
    const options = { actor: operator, stopping, sealWithinMs };
    for await (const run of new AuditPruner(database, tenantId).prune(before, options)) {
      removed += run.removed;
      for (const reason of Object.keys(kept) as KeptReason[]) kept[reason] += run.kept[reason];
      onProgress((blocks += run.blocks.length));
    }
  } catch (error) {
    if (!(error instanceof PruningHeldUp)) throw error;
    return { removed, kept, end: 'held-up', problem: error.message };
  }
  return { removed, kept, end: stopping.aborted ? 'stopped' : 'finished', problem: null };
}
