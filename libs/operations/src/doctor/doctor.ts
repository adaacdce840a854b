import { findTenant, type Database } from '@foyer/persistence';
import type { OktaConfig } from '@foyer/platform';
import type { JobQueue } from '@foyer/provisioning';
import { boxChecks, type BoxSources } from './box.ts';
import { failed, notChecked, runChecks, type Check, type CheckResult } from './check.ts';
import { clockCheck, databaseCheck, migrationsCheck } from './database.ts';
import { oktaChecks } from './okta.ts';
import { processChecks } from './processes.ts';
import { scimChecks } from './scim.ts';

/** Why a part of the configuration is missing here. */
export interface Missing {
  readonly missing: string;
}

export interface DoctorSources {
  readonly database: Database;
  /** The tenant's name. */
  readonly tenant: string;
  readonly queue: JobQueue;
  readonly okta: OktaConfig | Missing;
  /** Opens Box for the tenant of this id. */
  readonly box: (tenantId: string) => BoxSources | Missing;
}

/**
 * Checks everything that Foyer depends on, each part with its remedy, and calls `onResult` after each check. Changes
 * nothing; its calls to Box are recorded.
 */
export async function examine(
  { database, tenant, queue, okta, box }: DoctorSources,
  onResult?: (result: CheckResult) => void,
): Promise<CheckResult[]> {
  const first = await runChecks([databaseCheck(database)], onResult);
  const failedIn = (results: readonly CheckResult[]) => results.some(({ state }) => state === 'failed');
  if (!failedIn(first)) first.push(...(await runChecks([migrationsCheck(database)], onResult)));
  const isReadable = !failedIn(first);
  const tenantId = isReadable ? await findTenant(database, tenant) : null;
  const rest =
    tenantId === null
      ? [tenantCheck(isReadable, tenant), ...oktaChecks(okta)]
      : [
          clockCheck(database),
          ...processChecks(database, tenantId, queue),
          ...oktaChecks(okta),
          ...boxChecks(box(tenantId)),
          ...scimChecks(database, tenantId),
        ];
  return [...first, ...(await runChecks(rest, onResult))];
}

const tenantCheck = (isReadable: boolean, tenant: string): Check => ({
  name: 'tenant',
  remedy: 'Check DATABASE_URL.',
  run: async () =>
    isReadable
      ? failed(
          `There is no tenant "${tenant}" in this database.`,
          'Check --tenant and FOYER_TENANT. A gateway or provisioner that starts with this name creates it.',
        )
      : notChecked(
          'The queue, the processes, Box and SCIM cannot be checked before the database is repaired.',
        ),
});

/** True when no check failed and nothing needs attention. */
export const isHealthy = (results: readonly CheckResult[]): boolean =>
  results.every(({ state }) => state === 'ok' || state === 'not checked');
