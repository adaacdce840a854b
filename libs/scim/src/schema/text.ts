/** True for text that can be stored: well-formed UTF-16 and no NUL, which PostgreSQL refuses. */
export const isStorable = (text: string): boolean => text.isWellFormed() && !text.includes('\0');

/**
 * What is compared when case does not matter. Whoever compares elsewhere (in SQL) has to compare this very text: character by
 * character, where JavaScript looks at a sigma's neighbours and makes two characters of one I with a dot.
 */
export const fold = (text: string): string => text.replaceAll('Σ', 'σ').replaceAll('İ', 'i').toLowerCase();

/** Whether it is that text in any case; never converts what is no text. */
export const isSameName = (value: unknown, name: string): boolean =>
  typeof value === 'string' && value.toLowerCase() === name.toLowerCase();

/** Some clients write booleans as text, `"True"` among them. */
export function readBoolean(value: unknown): boolean | null {
  if (typeof value === 'boolean') return value;
  const word = typeof value === 'string' ? value.toLowerCase() : '';
  return word === 'true' ? true : word === 'false' ? false : null;
}

const DATE_TIME = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)?$/;

/**
 * Reads an xsd:dateTime (RFC 7643, section 2.3.5) as an instant in ISO 8601, in UTC, to the millisecond; UTC too where it
 * names no zone. Null when it is none, or beyond the years 1 to 9999.
 */
export function readDateTime(text: string): string | null {
  const date = DATE_TIME.exec(text)?.[1];
  if (date === undefined) return null;
  const day = new Date(`${date}T00:00:00Z`);
  // The 30th of February would be taken for a day of March.
  if (Number.isNaN(day.getTime()) || !day.toISOString().startsWith(date)) return null;
  const instant = new Date(/(?:Z|[+-]\d\d:\d\d)$/.test(text) ? text : `${text}Z`);
  if (Number.isNaN(instant.getTime())) return null;
  const iso = instant.toISOString();
  return /^\d{4}-/.test(iso) && !iso.startsWith('0000') ? iso : null;
}

/** A name from a request, short enough for a message and without what could harm a log. */
export const quote = (text: string): string =>
  JSON.stringify(text.length > 80 ? `${text.slice(0, 80).toWellFormed()}…` : text.toWellFormed());
