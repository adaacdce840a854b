import { ScimError } from '@foyer/scim';
import type { Request } from 'express';

/** Entity tags of resources (RFC 7644, section 3.14): weak ones, of the version. */
export const etagOf = (version: number): string => `W/"${version}"`;

/** Whether a header's list names the tag, by weak comparison (RFC 9110, section 8.8.3.2); `*` names any. */
function names(header: string, tag: string): boolean {
  const plain = (text: string) => text.trim().replace(/^W\//i, '');
  return header.split(',').some((each) => each.trim() === '*' || plain(each) === plain(tag));
}

/** Throws 412 when the resource is not (any more) one that If-Match, or a bulk operation's version, names. */
export function checkVersion(expected: string | null, version: number): void {
  if (expected !== null && !names(expected, etagOf(version)))
    throw new ScimError(412, null, `The resource has changed: it is ${etagOf(version)} now.`);
}

export const ifMatch = (req: Request): string | null => req.get('if-match') ?? null;

export const isUnchanged = (req: Request, version: number): boolean => {
  const header = req.get('if-none-match');
  return header !== undefined && names(header, etagOf(version));
};
