import { z } from 'zod';

/** True for text every part can store: well-formed UTF-16, and no NUL, which PostgreSQL refuses. */
const storable = (text: string) => text.isWellFormed() && !text.includes('\0');

/** A line of text that a person or an admin typed: no control characters, at most `max` UTF-16 units. */
export const line = (max: number) =>
  z
    .string()
    .max(max)
    .refine(storable, 'must be well-formed text without NUL')
    .refine((text) => !/[\u0001-\u001f\u007f]/.test(text), 'must not contain control characters');

/** Makes any text from a provider storable: NUL and control characters become blanks, lone surrogates U+FFFD. */
export const toLine = (text: string, max: number): string =>
  text
    .toWellFormed()
    .replace(/[\u0000-\u001f\u007f]+/g, ' ')
    .trim()
    .slice(0, max)
    .toWellFormed();

/** Whether it is written as the ids are that Foyer gives out, in any case of letters. */
export const isId = (text: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
