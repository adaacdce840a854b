/** Where a sign-in may lead is at most this long: it travels in a cookie. */
const LONGEST = 1_000;

/** Coming back to these would begin a sign-in anew. */
const doors = /^\/(login|logout|authorization-code)(\/|$)/i;

/**
 * The path of our own origin that a browser asked to come back to, as the URL Standard reads it; `/` for anything else:
 * other origins in all their spellings (`//host`, `/\host`, `/.//host`), control characters, what is too long.
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
