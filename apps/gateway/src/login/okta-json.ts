import { FoyerError } from '@foyer/shared';

/** No call to Okta takes longer than this, the answer's body included, in milliseconds. */
export const OKTA_TIMEOUT_MS = 5_000;

/** An answer of Okta's: `body` is null when it was no JSON. */
export interface OktaAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** One call to Okta, whatever it answers; a redirect is not followed. Throws `okta_unavailable` when no answer came in time. */
export async function callOkta(url: string, timeoutMs: number, init: RequestInit = {}): Promise<OktaAnswer> {
  try {
    const response = await fetch(url, {
      ...init,
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    return { status: response.status, body: parse(await response.text()) };
  } catch (cause) {
    throw new FoyerError('okta_unavailable', undefined, { cause });
  }
}

/** Throws `okta_unavailable` for answers that another try may better: 429 and 5xx. */
export function refuseUnavailable({ status }: OktaAnswer): void {
  if (status !== 429 && status < 500) return;
  throw new FoyerError('okta_unavailable', undefined, { cause: new Error(`Okta answered ${status}`) });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
