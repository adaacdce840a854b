import { isId } from '@foyer/shared';
import type { Request } from 'express';

const MASK = '…';
/** A part of our own addresses: a word, a version, or a name of the SCIM protocol. */
const WORD = /^(?:\.?[A-Za-z]+(?:-[a-z]+)*|v\d)$/;
const LONGEST_WORD = 32;
const URN = /^urn:ietf:params:scim:[A-Za-z0-9:.]{1,100}$/;

/**
 * The path of a request for logs and records. A parameter of the route is shown when it is an id, a tenant or a name
 * of the protocol; anything else is masked, because it may be a secret in the wrong place.
 */
export function safePath({ originalUrl, params, scimClient }: Request): string {
  const [path = ''] = originalUrl.split('?', 1);
  // Only an authenticated client's tenant is shown.
  const tenant = scimClient && params['tenant'];
  return path
    .split('/')
    .map((part) => (part === '' || part === tenant || isSafe(part) ? part : MASK))
    .join('/');
}

const isSafe = (part: string): boolean =>
  isId(part) || URN.test(part) || (part.length <= LONGEST_WORD && WORD.test(part));
