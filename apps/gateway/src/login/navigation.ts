import type { Request } from 'express';

/**
 * Whether a browser opens this address as a page, as far as its headers say (Fetch Metadata, sections 2.1 and 2.4;
 * Sec-Purpose of the Fetch Standard). Images, frames and scripts of other sites, and prefetches, must not start or end
 * a sign-in.
 */
export function isNavigation({ headers }: Pick<Request, 'headers'>): boolean {
  const destination = headers['sec-fetch-dest'];
  const purpose = headers['sec-purpose'];
  return (
    (destination === undefined || destination === 'document') && !String(purpose ?? '').startsWith('prefetch')
  );
}
