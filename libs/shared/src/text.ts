import { z } from 'zod';

/** True for text that every component can store: well-formed UTF-16 without NUL, which PostgreSQL rejects. */
const storable = (text: string) => text.isWellFormed() && !text.includes('\0');

/** A line of text typed by a person or an administrator: no control characters, at most `max` UTF-16 units. */
export const line = (max: number) =>
  z
    .string()
    .max(max)
    .refine(storable, 'must be well-formed text without NUL')
    .refine((text) => !/[\u0001-\u001f\u007f]/.test(text), 'must not contain control characters');

/** Makes any text from a provider storable: NUL and control characters become blanks, lone surrogates become U+FFFD. */
export const toLine = (text: string, max: number): string =>
  text
    .toWellFormed()
    .replace(/[\u0000-\u001f\u007f]+/g, ' ')
    .trim()
    .slice(0, max)
    .toWellFormed();

/** Whether the text has the format of the ids that Foyer issues, in upper or lower case. */
export const isId = (text: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);

/** A number and its noun: `1 row`, `2 rows`. `many` is for nouns whose plural has no `s`. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;
