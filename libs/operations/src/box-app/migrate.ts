import type { BoxAppState } from '@foyer/persistence';
import type { BoxApp } from '@foyer/provisioning';
import { undecided, type BoxAppSources, type ChangedMeanwhile, type Settled } from './sources.ts';

/** What a migration to the configured Box app would do. */
export interface MigrationPlan {
  readonly kind: 'planned';
  readonly state: BoxAppState;
  readonly from: BoxApp;
  /** The accounts that become former ones. */
  readonly accounts: number;
  /** The people who get a new Box user. */
  readonly activeIdentities: number;
}

/** Changes nothing. */
export async function planBoxAppMigration({
  boxApp,
  migration,
}: BoxAppSources): Promise<MigrationPlan | Settled> {
  const state = await boxApp.read();
  const from = undecided(state);
  if (from === null) return { kind: 'settled', state };
  const { accounts, activeIdentities } = await migration.counts();
  return { kind: 'planned', state, from, accounts, activeIdentities };
}

/** Carries a plan out, unless the binding changed since. The audit log names `operator`. */
export async function migrateBoxApp(
  { migration }: BoxAppSources,
  { from, state }: MigrationPlan,
  operator: string,
): Promise<
  ChangedMeanwhile | { readonly kind: 'migrated'; readonly moved: number; readonly requested: number }
> {
  const done = await migration.migrate(from, state.configured, operator);
  if (done.kind === 'changed-meanwhile') return { kind: 'changed-meanwhile' };
  return { kind: 'migrated', moved: done.moved, requested: done.requested };
}
