/** The longest that a response may be held for `Prefer: wait`, in seconds. */
const longestWait = 30;

/** A version as a strong entity tag (RFC 9110, section 8.8.3). */
export const toEntityTag = (version: number): string => `"${version}"`;

/**
 * Returns a function that says whether If-None-Match names a version (RFC 9110, section 13.1.2: weak comparison); null
 * without the header.
 */
export function unlessMatching(header: string | undefined): ((version: number) => boolean) | null {
  if (header === undefined) return null;
  if (header.trim() === '*') return () => true;
  // A single tag of ours, as in nearly every poll.
  if (/^"[0-9]+"$/.test(header)) return (version) => toEntityTag(version) === header;
  const tags = new Set(
    Array.from(header.matchAll(/(?:W\/)?("[\x21\x23-\x7e\x80-\xff]*")/g), ([, tag]) => tag),
  );
  return (version) => tags.has(toEntityTag(version));
}

/**
 * The seconds of `Prefer: wait=SECONDS` (RFC 7240, section 4.3), at most what this server grants; null when absent. As
 * the RFC requires, the first of several counts, and an invalid preference is ignored.
 */
export function waitPreference(header: string | string[] | undefined): number | null {
  const preferences = [header ?? []].flat().join(',').split(',');
  for (const preference of preferences) {
    const match = /^\s*wait\s*=\s*"?([0-9]{1,10})"?\s*(;|$)/i.exec(preference);
    if (match !== null) return Math.min(Number(match[1]), longestWait);
  }
  return null;
}

/** Whole seconds until polling again is useful: at the next planned attempt, and at least one. */
export const retryAfterSeconds = (nextAttemptAt: Date | string | null, now = Date.now()): number =>
  nextAttemptAt === null ? 1 : Math.max(1, Math.ceil((new Date(nextAttemptAt).getTime() - now) / 1000));
