import { isUnavailable } from '../unavailable.ts';

const MAX_LENGTH = 160;

/** What may name a server, a person or a secret: addresses with and without a scheme, e-mail addresses, long tokens. */
const privateParts: readonly (readonly [RegExp, string])[] = [
  [/[a-z][a-z0-9+.-]*:\/\/\S+/gi, '[address]'],
  [/\S+@\S+/g, '[address]'],
  [/\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b/g, '[address]'],
  [/[0-9a-f]*(?::[0-9a-f]*){3,}/gi, '[address]'],
  [/\b(?:[\w-]+\.)+[\w-]+:\d+\b|\blocalhost(?::\d+)?\b/gi, '[address]'],
  [/[\w+/.=-]{24,}/g, '[redacted]'],
];

/**
 * An error in one line that any client may read, at most 160 characters: without addresses, people and tokens. The log
 * has the whole error.
 */
export function publicMessage(error: unknown): string {
  if (isUnavailable(error)) return 'A server that it needs is unavailable.';
  const text = error instanceof Error ? error.message || error.name : String(error);
  // Prisma's messages begin with an excerpt of the source, and end with the reason.
  const line = text.trim().split('\n').at(-1)?.trim() ?? '';
  const safe = privateParts.reduce((words, [pattern, instead]) => words.replace(pattern, instead), line);
  return safe.length > MAX_LENGTH ? `${safe.slice(0, MAX_LENGTH - 1)}…` : safe;
}
