import { ScimTokens, type ScimToken } from '@foyer/persistence';
import { isId } from '@foyer/shared';
import type { TenantSources } from './sources.ts';

/** How long a token is valid, in days of 24 hours. */
export const scimTokenDays = { usual: 365, most: 730 } as const;

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** A token is revoked by its name or its id, so a name must not look like an id. */
export const isScimTokenName = (name: string): boolean => NAME.test(name) && !isId(name);

/** Whether a token may be valid for so many days. */
export const isScimTokenLife = (days: number): boolean =>
  Number.isInteger(days) && days >= 1 && days <= scimTokenDays.most;

export const listScimTokens = ({ database, tenantId }: TenantSources): Promise<ScimToken[]> =>
  new ScimTokens(database, tenantId).list();

/**
 * Creates a token and returns it this once. Null when an active token has the name. The audit log names `operator`, in
 * the transaction of the change. Throws RangeError for a name or a number of days that the rules above refuse.
 */
export async function createScimToken(
  { database, tenantId }: TenantSources,
  { name, days }: { readonly name: string; readonly days: number },
  operator: string,
): Promise<{ readonly token: string; readonly made: ScimToken } | null> {
  if (!isScimTokenName(name)) throw new RangeError('The name of a SCIM token is not valid.');
  if (!isScimTokenLife(days))
    throw new RangeError(`A SCIM token is valid for 1 to ${scimTokenDays.most} days.`);
  return new ScimTokens(database, tenantId).create({ name, days }, operator);
}

/** Revokes a token from the next call on; `isNew` is false when it was revoked before. Null for an unknown one. */
export const revokeScimToken = (
  { database, tenantId }: TenantSources,
  nameOrId: string,
  operator: string,
): Promise<{ readonly token: ScimToken; readonly isNew: boolean } | null> =>
  new ScimTokens(database, tenantId).revoke(nameOrId, operator);
