import type { BoxAppState } from '@foyer/persistence';
import { checkAccounts, type AccountCheck, type BoxFault, type Misfit } from '@foyer/provisioning';
import { undecided, type BoxAppSources, type ChangedMeanwhile, type Settled } from './sources.ts';

export interface AcceptOptions {
  /** How many accounts are checked, chosen at random; null for all. */
  readonly sample: number | null;
  /** The operator's name for the audit log. */
  readonly operator: string;
  readonly stopping: AbortSignal;
  readonly onProgress: (asked: number, total: number) => void;
}

/** `asked` of `total` accounts were checked. All but `accepted` change nothing. */
export type Acceptance =
  | Settled
  | ChangedMeanwhile
  | ({ readonly kind: 'box-failed'; readonly fault: BoxFault } & Checked)
  | ({ readonly kind: 'misfits'; readonly misfits: readonly Misfit[] } & Checked)
  | ({ readonly kind: 'stopped' } & Checked)
  | {
      readonly kind: 'accepted';
      readonly state: BoxAppState;
      readonly asked: number;
      /** All accounts before the change, including those that are missing in Box. */
      readonly of: number;
      readonly accounts: number;
    };

interface Checked {
  readonly asked: number;
  readonly total: number;
}

/** Binds the accounts to the configured Box app, when it can read the accounts that are checked at Box. */
export async function acceptBoxApp(
  sources: BoxAppSources,
  { sample, operator, stopping, onProgress }: AcceptOptions,
): Promise<Acceptance> {
  const { boxApp, migration, box } = sources;
  const state = await boxApp.read();
  const bound = undecided(state);
  if (bound === null) return { kind: 'settled', state };
  const { accounts, missing } = await migration.counts();
  const total = Math.min(sample ?? Infinity, accounts - missing);
  const check = await checkAccounts(box, chosen(sources, sample), {
    stopping,
    onProgress: (asked) => onProgress(asked, total),
  });
  const refusal = refusalOf(check, total);
  if (refusal !== null) return refusal;
  const checked = { asked: check.asked, of: accounts };
  const done = await migration.accept(bound, state.configured, operator, checked);
  if (done.kind === 'changed-meanwhile') return { kind: 'changed-meanwhile' };
  return { kind: 'accepted', state, ...checked, accounts: done.accounts };
}

async function* chosen({ accounts }: BoxAppSources, sample: number | null) {
  if (sample === null) yield* accounts.all();
  else yield* await accounts.sample(sample);
}

function refusalOf({ asked, misfits, isComplete, fault }: AccountCheck, total: number): Acceptance | null {
  if (fault !== null) return { kind: 'box-failed', fault, asked, total };
  if (misfits.length > 0) return { kind: 'misfits', misfits, asked, total };
  return isComplete ? null : { kind: 'stopped', asked, total };
}
