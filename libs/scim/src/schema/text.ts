/** True for text that can be stored: well-formed UTF-16 without NUL, which PostgreSQL rejects. */
export const isStorable = (text: string): boolean => text.isWellFormed() && !text.includes('\0');

/**
 * The form that is compared when case does not matter. Other comparisons (in SQL) must use exactly this form: character
 * by character, because JavaScript's own lower case depends on a sigma's neighbours and turns one I with a dot into two
 * characters.
 */
export const fold = (text: string): string => text.replaceAll('Σ', 'σ').replaceAll('İ', 'i').toLowerCase();

/** Whether the value is that text in any case; false for a value that is not text. */
export const isSameName = (value: unknown, name: string): boolean =>
  typeof value === 'string' && value.toLowerCase() === name.toLowerCase();

/** Some clients write booleans as text, including `"True"`. */
export function readBoolean(value: unknown): boolean | null {
  if (typeof value === 'boolean') return value;
  const word = typeof value === 'string' ? value.toLowerCase() : '';
  return word === 'true' ? true : word === 'false' ? false : null;
}

const DATE_TIME = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)?$/;

/**
 * Reads an xsd:dateTime (RFC 7643, section 2.3.5) as an instant in ISO 8601, in UTC, to the millisecond; without a zone
 * it is taken as UTC. Null when it is invalid, or outside the years 1 to 9999.
 */
export function readDateTime(text: string): string | null {
  const date = DATE_TIME.exec(text)?.[1];
  if (date === undefined) return null;
  const day = new Date(`${date}T00:00:00Z`);
  // Otherwise 30 February would become a day of March.
  if (Number.isNaN(day.getTime()) || !day.toISOString().startsWith(date)) return null;
  const instant = new Date(/(?:Z|[+-]\d\d:\d\d)$/.test(text) ? text : `${text}Z`);
  if (Number.isNaN(instant.getTime())) return null;
  const iso = instant.toISOString();
  return /^\d{4}-/.test(iso) && !iso.startsWith('0000') ? iso : null;
}

/** A name from a request, shortened for a message and without characters that could harm a log. */
export const quote = (text: string): string =>
  JSON.stringify(text.length > 80 ? `${text.slice(0, 80).toWellFormed()}…` : text.toWellFormed());
