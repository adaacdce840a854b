import {
  BoxAccounts,
  BoxAppMigration,
  Identities,
  TenantBoxApp,
  type BoxAppCounts,
  type BoxAppState,
} from '@foyer/persistence';
import type { BoxApp, BoxPort } from '@foyer/provisioning';
import type { TenantSources } from '../sources.ts';

/** What the operations on a tenant's Box app use. */
export interface BoxAppSources {
  readonly boxApp: TenantBoxApp;
  readonly migration: BoxAppMigration;
  readonly accounts: BoxAccounts;
  readonly identities: Identities;
  readonly box: Pick<BoxPort, 'readUser'>;
}

/** `configured`: the Box app that `box` calls with. */
export const boxAppSources = (
  { database, tenantId }: TenantSources,
  configured: BoxApp,
  box: Pick<BoxPort, 'readUser'>,
): BoxAppSources => ({
  boxApp: new TenantBoxApp(database, tenantId, configured),
  migration: new BoxAppMigration(database, tenantId),
  accounts: new BoxAccounts(database, tenantId, configured),
  identities: new Identities(database, tenantId),
  box,
});

/** To which Box app the accounts belong, and how many there are. Changes nothing. */
export async function readBoxApp({ boxApp, migration }: BoxAppSources): Promise<BoxAppState & BoxAppCounts> {
  const state = await boxApp.read();
  return { ...state, ...(await migration.counts()) };
}

/** No decision is needed: the tenant is not bound yet, or is bound to the configured app. */
export interface Settled {
  readonly kind: 'settled';
  readonly state: BoxAppState;
}

/** Another operator decided in the meantime. Nothing was done. */
export interface ChangedMeanwhile {
  readonly kind: 'changed-meanwhile';
}

/** The bound app when an operator has to decide, that is, when it differs from the configured one. */
export const undecided = ({ bound, differs }: BoxAppState): BoxApp | null =>
  differs && bound !== null ? { clientId: bound.clientId, enterpriseId: bound.enterpriseId } : null;
