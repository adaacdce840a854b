import { boxAppProblem } from '@foyer/persistence';
import type { BoxFault } from '@foyer/provisioning';
import { commandChange, commandIntent } from '../on-record.ts';
import type { BoxAppSources, ChangedMeanwhile } from './sources.ts';

/** All but `recreated` leave the person's mapping as it is. */
export type UserRecreation =
  /** The work of this tenant is held; `problem` says why, and what to do. */
  | { readonly kind: 'held'; readonly problem: string }
  | { readonly kind: 'not-found' }
  | { readonly kind: 'deactivated' }
  | { readonly kind: 'no-account' }
  | { readonly kind: 'box-failed'; readonly fault: BoxFault }
  /** Box shows the user. `wasMissing`: it was marked as missing, and is no longer. */
  | { readonly kind: 'exists'; readonly boxUserId: string; readonly wasMissing: boolean }
  | ChangedMeanwhile
  | { readonly kind: 'recreated'; readonly boxUserId: string; readonly requestId: string };

/**
 * Gives one person a new Box user, when Box no longer knows theirs. If Box shows it and it is marked as missing, the mark
 * is cleared. The audit log names `operator` for both.
 */
export async function recreateBoxUser(
  { boxApp, identities, box, accounts, migration }: BoxAppSources,
  identityId: string,
  operator: string,
): Promise<UserRecreation> {
  const problem = boxAppProblem(await boxApp.read());
  if (problem !== null) return { kind: 'held', problem };
  const identity = await identities.find(identityId);
  if (identity === null) return { kind: 'not-found' };
  if (!identity.active) return { kind: 'deactivated' };
  if (identity.boxAccount === null) return { kind: 'no-account' };
  const { boxUserId } = identity.boxAccount;
  const read = await box.readUser({ requestId: null, identityId, lease: null }, boxUserId);
  if (!read.ok) return { kind: 'box-failed', fault: read.fault };
  if (read.value !== null) {
    const intent = commandIntent('clear_missing_box_user', 'box-app recreate', operator);
    const change = commandChange({ ...intent, parameters: { boxUserId } });
    const wasMissing = await accounts.clearMissing(identityId, boxUserId, change);
    return { kind: 'exists', boxUserId, wasMissing };
  }
  const done = await migration.recreate({ identityId, boxUserId }, boxApp.configured, operator);
  if (done.kind === 'changed-meanwhile') return { kind: 'changed-meanwhile' };
  return { kind: 'recreated', boxUserId, requestId: done.requestId };
}
