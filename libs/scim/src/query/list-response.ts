import { withoutUndefined } from '../message.ts';

/** A page by index. */
interface IndexPage {
  readonly resources: readonly unknown[];
  /** The number of all matches, on this page and others. */
  readonly totalResults: number;
  /** The index of the page's first resource, from 1. */
  readonly startIndex: number;
}

/** A page by cursor; a cursor is null when there is no next or previous page. */
interface CursorPage {
  readonly resources: readonly unknown[];
  /** Null when it was not counted. */
  readonly totalResults: number | null;
  readonly nextCursor: string | null;
  readonly previousCursor: string | null;
}

/** The body of a list: RFC 7644, section 3.4.2, table 3, and RFC 9865, section 2. */
export function listResponse(page: IndexPage | CursorPage) {
  const places =
    'startIndex' in page
      ? { startIndex: page.startIndex }
      : { nextCursor: page.nextCursor ?? undefined, previousCursor: page.previousCursor ?? undefined };
  return withoutUndefined({
    schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
    totalResults: page.totalResults ?? undefined,
    itemsPerPage: page.resources.length,
    ...places,
    Resources: page.resources,
  });
}
