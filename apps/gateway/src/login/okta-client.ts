import type { CallOutcome } from '@foyer/provisioning';
import { askOutside, isBusy, NoAnswer, waitOf, type ClockReading, type OutsideAnswer } from '@foyer/platform';
import { FoyerError, toLine } from '@foyer/shared';
import { z } from 'zod';
import type { Trail } from './trail.ts';

/** RFC 6749, section 5.1; OpenID Connect Core 1.0, section 3.1.3.3: the type must be Bearer, in upper or lower case. */
const Tokens = z.object({
  access_token: z.string().min(1),
  token_type: z.string().regex(/^bearer$/i),
  id_token: z.string().min(1),
});
export type Tokens = z.infer<typeof Tokens>;

const UserInfo = z.looseObject({ sub: z.string().min(1) });
const OAuthError = z.object({ error: z.string() });

export interface OktaClientOptions {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly redirectUri: string;
  readonly timeoutMs?: number;
  /** Called with what each response shows about our clock. */
  readonly onClock?: (reading: ClockReading | null) => void;
}

/** The calls to Okta during a sign-in. Each is recorded, without codes, tokens and secrets. */
export class OktaClient {
  private readonly options: OktaClientOptions;

  constructor(options: OktaClientOptions) {
    this.options = options;
  }

  /**
   * Exchanges a code for tokens (OpenID Connect Core 1.0, section 3.1.3; RFC 7636, section 4.5). Throws
   * `okta_unavailable`, or an error with the reason why there are no tokens.
   */
  async exchange(tokenEndpoint: string, code: string, verifier: string, trail: Trail): Promise<Tokens> {
    const { clientId, clientSecret, redirectUri } = this.options;
    const parameters = { grant_type: 'authorization_code', redirect_uri: redirectUri };
    const { status, body } = await this.onRecord(trail, 'token', 'POST', tokenEndpoint, parameters, () =>
      this.ask(tokenEndpoint, {
        method: 'POST',
        headers: { accept: 'application/json', authorization: basic(clientId, clientSecret) },
        body: new URLSearchParams({ ...parameters, code, code_verifier: verifier }),
      }),
    );
    const tokens = Tokens.safeParse(body);
    if (status !== 200) throw new Error(`the token endpoint answered ${status} ${errorOf(body) ?? ''}`);
    if (!tokens.success) {
      const fields = tokens.error.issues.map(({ path }) => path.join('.'));
      throw new Error(
        `the token endpoint returned no usable tokens: ${fields.join(', ') || 'the answer'} cannot be used`,
      );
    }
    return tokens.data;
  }

  /**
   * Reads the claims at the userinfo endpoint (OpenID Connect Core 1.0, section 5.3). Throws `okta_unavailable`, or an
   * error with the status.
   */
  async userinfo(endpoint: string, accessToken: string, trail: Trail): Promise<z.infer<typeof UserInfo>> {
    const { status, body } = await this.onRecord(trail, 'userinfo', 'GET', endpoint, {}, () =>
      this.ask(endpoint, {
        headers: { accept: 'application/json', authorization: `Bearer ${accessToken}` },
      }),
    );
    const claims = UserInfo.safeParse(body);
    if (status !== 200 || !claims.success) throw new Error(`userinfo answered ${status}`);
    return claims.data;
  }

  private async onRecord(
    trail: Trail,
    operation: string,
    method: string,
    url: string,
    parameters: Record<string, string>,
    call: () => Promise<OutsideAnswer>,
  ): Promise<OutsideAnswer> {
    const began = performance.now();
    const intent = {
      direction: 'out',
      system: 'okta',
      operation,
      method,
      path: new URL(url).pathname,
      actor: null,
      parameters,
    } as const;
    const note = (outcome: Omit<CallOutcome, 'answer' | 'durationMs'>) =>
      trail.add(intent, { ...outcome, answer: null, durationMs: performance.now() - began });
    let answer: OutsideAnswer;
    try {
      answer = await call();
    } catch (error) {
      note({ result: 'ambiguous', status: null, error: 'no answer' });
      throw error instanceof NoAnswer
        ? new FoyerError('okta_unavailable', undefined, { cause: error })
        : error;
    }
    const { status, body } = answer;
    note({ result: resultOf(status), status, error: status === 200 ? null : errorOf(body) });
    if (isBusy(answer)) {
      const cause = new Error(`Okta answered ${status}`);
      throw new FoyerError('okta_unavailable', undefined, { cause, retryAfterMs: waitOf(answer) });
    }
    return answer;
  }

  private async ask(url: string, init: RequestInit): Promise<OutsideAnswer> {
    const { timeoutMs, onClock } = this.options;
    const answer = await askOutside(url, { ...init, ...(timeoutMs !== undefined && { timeoutMs }) });
    onClock?.(answer.clock);
    return answer;
  }
}

const resultOf = (status: number): CallOutcome['result'] => {
  if (status === 200) return 'ok';
  if (status === 429) return 'failed';
  return status >= 500 ? 'ambiguous' : 'refused';
};

/** RFC 6749, section 2.3.1: both parts are form-encoded. */
const basic = (clientId: string, secret: string): string => {
  const encode = (part: string) => new URLSearchParams({ p: part }).toString().slice(2);
  return `Basic ${Buffer.from(`${encode(clientId)}:${encode(secret)}`).toString('base64')}`;
};

function errorOf(body: unknown): string | null {
  const parsed = OAuthError.safeParse(body);
  return parsed.success ? toLine(parsed.data.error, 64) : null;
}
