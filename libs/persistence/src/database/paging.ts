import { FoyerError, type Page } from '@foyer/shared';
import { z } from 'zod';

/** Where a page ended: lists are ordered by (time, id), newest first, so a page never shifts when rows are added. */
export interface Position {
  readonly at: Date;
  readonly id: string;
}

/** Limited to times and ids that Foyer issues: a year 0 or a number beyond bigint would fail in the database. */
const Cursor = z.tuple([
  z.iso.datetime().regex(/^(?!0000)/),
  z.union([z.uuid(), z.string().regex(/^[0-9]{1,18}$/)]),
]);

const encode = ({ at, id }: Position): string =>
  Buffer.from(JSON.stringify([at.toISOString(), id])).toString('base64url');

/** Throws `invalid_request` for anything that is not one of our cursors. `kind`: the type of the list's ids. */
export function decodeCursor(cursor: string | undefined, kind: 'uuid' | 'number'): Position | null {
  if (cursor === undefined) return null;
  try {
    const [at, id] = Cursor.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
    if ((kind === 'uuid') === z.uuid().safeParse(id).success) return { at: new Date(at), id };
  } catch {
    // answered below, like any other invalid cursor
  }
  throw badCursor();
}

export const badCursor = (): FoyerError =>
  new FoyerError('invalid_request', 'The cursor does not belong to this list.', {
    fields: [{ field: 'cursor', message: 'does not belong to this list' }],
  });

/** Makes a page of up to `limit` items from rows that were read with `limit + 1`. */
export function toPage<Row, Item>(
  rows: readonly Row[],
  limit: number,
  position: (row: Row) => Position,
  item: (row: Row) => Item,
): Page<Item> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown.map(item),
    nextCursor: rows.length > limit && last !== undefined ? encode(position(last)) : null,
  };
}

/** Prisma's WHERE for "after this position, newest first". */
export const after = <Id>(position: Position | null, timeField: string, id: (text: string) => Id) =>
  position === null
    ? {}
    : {
        [timeField]: { lte: position.at },
        OR: [{ [timeField]: { lt: position.at } }, { id: { lt: id(position.id) } }],
      };
