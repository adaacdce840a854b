/**
 * Checks of the parts that a process needs; a check throws when its part does not work. It may return a warning: the
 * part works now, but may soon fail. The warning may be shown to any client.
 */
export type ReadinessChecks = Readonly<Record<string, () => Promise<{ readonly warning: string } | void>>>;

/** Why a part is not ready, in words that may be shown to any client. */
export class NotReady extends Error {
  override readonly name = 'NotReady';
}

/**
 * The response of /readyz: each part is `ok` or `not ready`. The reason is only logged, because any client may ask,
 * unless a check threw NotReady.
 */
export interface Readiness {
  readonly ready: boolean;
  readonly reasons?: Readonly<Record<string, string>>;
  readonly warnings?: Readonly<Record<string, string>>;
  readonly parts: Readonly<Record<string, 'ok' | 'not ready'>>;
}

/** Longer than the checks' own limits, for a check that has none or exceeds it. */
const CHECK_LIMIT_MS = 3_000;

/**
 * Runs all checks at once, each for at most `limitMs`. `onFault` is called with the error of each part that is not
 * ready. A part in `spareable` is reported, but the process is ready without it.
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
