/** The longest path to return to: it is stored in a cookie. */
const LONGEST = 1_000;

/** Returning to these would start a new sign-in. */
const doors = /^\/(login|logout|authorization-code)(\/|$)/i;

/**
 * The path of our own origin to which a browser returns, parsed as in the URL Standard. Everything else becomes `/`:
 * other origins in all their spellings (`//host`, `/\host`, `/.//host`), control characters, and paths that are too
 * long.
 */
export function safeReturnTo(asked: unknown, baseUrl: string): string {
  if (typeof asked !== 'string' || asked.length > LONGEST || !/^\/(?![/\\])[\x21-\x7e]*$/.test(asked))
    return '/';
  if (asked.includes('\\')) return '/';
  const base = new URL(baseUrl);
  const url = URL.parse(asked, base.href);
  if (url?.origin !== base.origin || url.pathname.startsWith('//') || doors.test(url.pathname)) return '/';
  return url.pathname + url.search + url.hash;
}
