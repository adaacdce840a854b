import { isId } from '@foyer/shared';
import type { Request } from 'express';

const MASK = '…';
/** As our own addresses are spelt: words, a version, a name of the SCIM protocol. */
const WORD = /^(?:\.?[A-Za-z]+(?:-[a-z]+)*|v\d)$/;
const LONGEST_WORD = 32;
const URN = /^urn:ietf:params:scim:[A-Za-z0-9:.]{1,100}$/;

/**
 * The path of a request for logs and records. What stands in it for a parameter of the route is told when it is an id, a tenant
 * or a name of the protocol; anything else may be a secret that was put into an address.
 */
export function safePath({ originalUrl, params, scimClient }: Request): string {
  const [path = ''] = originalUrl.split('?', 1);
  // Only a client that was let in may name one.
  const tenant = scimClient && params['tenant'];
  return path
    .split('/')
    .map((part) => (part === '' || part === tenant || isSafe(part) ? part : MASK))
    .join('/');
}

const isSafe = (part: string): boolean =>
  isId(part) || URN.test(part) || (part.length <= LONGEST_WORD && WORD.test(part));
