import type { Request } from 'express';
import type { Parts } from '../parts.ts';
import type { Addresses } from './resources.ts';

/** The addresses as this client knows them: with the tenant's name when the request had it. */
export function addressesOf({ params }: Request, { FOYER_BASE_URL }: Parts['config']): Addresses {
  const { tenant } = params;
  const base =
    tenant === undefined ? FOYER_BASE_URL : `${FOYER_BASE_URL}/t/${encodeURIComponent(String(tenant))}`;
  return { scim: `${base}/scim/v2`, api: `${FOYER_BASE_URL}/v1` };
}
