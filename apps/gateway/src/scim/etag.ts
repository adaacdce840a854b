import { createHash } from 'node:crypto';
import { ScimError } from '@foyer/scim';
import type { Request } from 'express';

/**
 * Weak entity tags of resources (RFC 7644, section 3.14): the version, which grows with each change that a client can
 * make, then a dot and a digest of `more`, the rest of what the resource shows, such as Box's progress. There is no
 * digest when all of `more` is null, false or empty.
 */
export function etagOf(version: number, more: readonly unknown[] = []): string {
  const isMore = more.some((each) =>
    Array.isArray(each) ? each.length > 0 : each !== null && each !== false,
  );
  if (!isMore) return `W/"${version}"`;
  const digest = createHash('sha256').update(JSON.stringify(more)).digest('base64url').slice(0, 8);
  return `W/"${version}.${digest}"`;
}

const tagsOf = (header: string): readonly string[] =>
  header.split(',').map((each) => each.trim().replace(/^W\//i, ''));

/**
 * Throws 412 when If-Match, or a bulk operation's version, does not name the current version. Only the version counts:
 * when Box converges meanwhile, no client's change is lost.
 */
export function checkVersion(expected: string | null, version: number): void {
  if (expected === null) return;
  const versions = tagsOf(expected).map((each) => each.replace(/\.[\w-]+"$/, '"'));
  if (!versions.includes('*') && !versions.includes(`"${version}"`))
    throw new ScimError(412, null, `The resource has changed: it is ${etagOf(version)} now.`);
}

export const ifMatch = (req: Request): string | null => req.get('if-match') ?? null;

/** Whether the client has the current resource, by weak comparison (RFC 9110, section 8.8.3.2). */
export function isUnchanged(req: Request, etag: string): boolean {
  const tags = tagsOf(req.get('if-none-match') ?? '');
  return tags.includes('*') || tags.includes(etag.replace(/^W\//, ''));
}
