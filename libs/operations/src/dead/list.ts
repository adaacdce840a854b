import { DeadLetters, type DeadLetter, type DeadLetterCount } from '@foyer/persistence';
import { docsOf, errorCatalog, remedyOf, type ErrorCode } from '@foyer/shared';
import type { TenantSources } from '../sources.ts';

const PAGE = 500;

/** What an error code means to an operator. `docs`: its page. */
interface Meaning {
  readonly title: string;
  readonly remedy: string;
  readonly docs: string;
}

export type ExplainedDeadLetter = DeadLetter & Meaning;
export type ExplainedCount = DeadLetterCount & Meaning;

const meaningOf = (code: ErrorCode): Meaning => ({
  title: errorCatalog[code].title,
  remedy: remedyOf(code, true),
  docs: docsOf(code),
});

/** How many dead letters there are of each code, the most first; of one code only when it is given. */
export async function countDeadLetters(
  { database, tenantId }: TenantSources,
  only: ErrorCode | null,
): Promise<ExplainedCount[]> {
  const counts = await new DeadLetters(database, tenantId).counts();
  return counts
    .filter(({ code }) => only === null || code === only)
    .map((count) => ({ ...count, ...meaningOf(count.code) }));
}

/** The newest dead letters of one code or of all, at most `most`, in pages. */
export async function* deadLetterPages(
  { database, tenantId }: TenantSources,
  code: ErrorCode | null,
  most = Infinity,
): AsyncGenerator<readonly ExplainedDeadLetter[]> {
  const letters = new DeadLetters(database, tenantId);
  let after: Awaited<ReturnType<DeadLetters['list']>>['next'] = null;
  let left = most;
  do {
    const page = await letters.list(code, { after, limit: Math.min(PAGE, left) });
    yield page.letters.map((letter) => ({ ...letter, ...meaningOf(letter.code) }));
    left -= page.letters.length;
    after = page.next;
  } while (after !== null && left > 0);
}
