import { HeldSignIns, type HeldSignIn } from '@foyer/persistence';
import { commandChange, commandIntent } from './on-record.ts';
import type { TenantSources } from './sources.ts';

/** The sign-ins on hold, the newest first, including those that were released. */
export const listHeldSignIns = ({ database, tenantId }: TenantSources): Promise<HeldSignIn[]> =>
  new HeldSignIns(database, tenantId).list();

/**
 * Lets the subject sign in as a separate person. The audit log names `operator`, in the transaction of the change. Null
 * when no sign-in of that subject was on hold.
 */
export const releaseHeldSignIn = (
  { database, tenantId }: TenantSources,
  subject: string,
  operator: string,
): Promise<HeldSignIn | null> => {
  const intent = commandIntent('release_held_sign_in', 'held release', operator);
  const change = commandChange({ ...intent, parameters: { subject } });
  return new HeldSignIns(database, tenantId).release(subject, operator, change);
};
