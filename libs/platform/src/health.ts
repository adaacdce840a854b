/**
 * A part that must work for the process to be of use; the check throws when it does not. It may give a warning: the part
 * works, and will not for long. Its words may be shown to whoever asks.
 */
export type ReadinessChecks = Readonly<Record<string, () => Promise<{ readonly warning: string } | void>>>;

/** Why a part is not ready, in words that may be shown to whoever asks. */
export class NotReady extends Error {
  override readonly name = 'NotReady';
}

/**
 * What /readyz answers: each part `ok`, or `not ready`. Why is in the log, not shown to strangers; but for what a check
 * said with NotReady.
 */
export interface Readiness {
  readonly ready: boolean;
  readonly reasons?: Readonly<Record<string, string>>;
  readonly warnings?: Readonly<Record<string, string>>;
  readonly parts: Readonly<Record<string, 'ok' | 'not ready'>>;
}

/** Longer than the checks' own limits: for a part that has none, or whose own was not kept. */
const CHECK_LIMIT_MS = 3_000;

/**
 * Runs all checks at once, each for at most `limitMs`. `onFault` hears why a part is not ready. A part named in `spareable` is told of, but without it
 * the process is still of use.
 */
export async function checkReadiness(
  checks: ReadinessChecks,
  onFault: (part: string, error: unknown) => void,
  spareable: readonly string[] = [],
  limitMs = CHECK_LIMIT_MS,
): Promise<Readiness> {
  const reasons: Record<string, string> = {};
  const warnings: Record<string, string> = {};
  const parts = await Promise.all(
    Object.entries(checks).map(async ([part, check]) => {
      try {
        const finding = await within(limitMs, check());
        if (finding) warnings[part] = finding.warning;
        return [part, 'ok'] as const;
      } catch (error) {
        onFault(part, error);
        if (error instanceof NotReady) reasons[part] = error.message;
        return [part, 'not ready'] as const;
      }
    }),
  );
  return {
    ready: parts.every(([part, state]) => state === 'ok' || spareable.includes(part)),
    parts: Object.fromEntries(parts),
    ...(Object.keys(reasons).length > 0 && { reasons }),
    ...(Object.keys(warnings).length > 0 && { warnings }),
  };
}

async function within<T>(limitMs: number, check: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`No answer within ${limitMs} ms.`)), limitMs);
  });
  return Promise.race([check, late]).finally(() => clearTimeout(timer));
}
