/** The result of one check. `remedy` is what to do about it; null when there is nothing to do. */
export interface Finding {
  readonly state: 'ok' | 'warning' | 'failed' | 'not checked';
  readonly detail: string;
  readonly remedy: string | null;
}

export interface CheckResult extends Finding {
  readonly name: string;
}

/** A check that cannot find its result throws, which counts as failed with the error's message. */
export interface Check {
  readonly name: string;
  readonly run: () => Promise<Finding>;
  /** The remedy when the check throws. */
  readonly remedy: string;
}

export const ok = (detail: string): Finding => ({ state: 'ok', detail, remedy: null });
export const warning = (detail: string, remedy: string): Finding => ({ state: 'warning', detail, remedy });
export const failed = (detail: string, remedy: string): Finding => ({ state: 'failed', detail, remedy });
/** Not a failure: something that the check needs is missing here. */
export const notChecked = (detail: string, remedy: string | null = null): Finding => ({
  state: 'not checked',
  detail,
  remedy,
});

/** The limit for checks without one, longer than the limits of the calls inside. */
const LIMIT_MS = 15_000;

/** Runs the checks one after the other, each for at most `limitMs`, and calls `onResult` after each. Never throws. */
export async function runChecks(
  checks: readonly Check[],
  onResult: (result: CheckResult) => void = () => {},
  limitMs = LIMIT_MS,
): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const { name, run, remedy } of checks) {
    const finding = await within(limitMs, run).catch((error: unknown) => failed(wordsOf(error), remedy));
    const result = { name, ...finding };
    results.push(result);
    onResult(result);
  }
  return results;
}

async function within(limitMs: number, run: () => Promise<Finding>): Promise<Finding> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new Error(`The check got no answer within ${limitMs / 1000} s.`)),
      limitMs,
    );
  });
  return Promise.race([run(), late]).finally(() => clearTimeout(timer));
}

function wordsOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return wordsOf(error.errors[0]);
  if (!(error instanceof Error)) return String(error);
  return error.message !== '' ? error.message : error.name;
}
