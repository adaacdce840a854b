import type { Request } from 'express';
import type { ProcessContext } from '../context.ts';
import type { Addresses } from './resources.ts';

/** The addresses as this client knows them: with the tenant's name when the request had it. */
export function addressesOf({ params }: Request, { FOYER_BASE_URL }: ProcessContext['config']): Addresses {
  const { tenant } = params;
  const base =
    tenant === undefined ? FOYER_BASE_URL : `${FOYER_BASE_URL}/t/${encodeURIComponent(String(tenant))}`;
  return { scim: `${base}/scim/v2`, api: `${FOYER_BASE_URL}/v1` };
}
