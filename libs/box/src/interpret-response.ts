import type { BoxFault, BoxResult, CallOutcome } from '@foyer/provisioning';
import type { ErrorCode } from '@foyer/shared';
import type { BoxOperation } from './options.ts';
import type { Redactor } from './redactor.ts';
import type { Answered, Exchange } from './transport.ts';
import { readError, readRetryAfter, type BoxError } from './wire.ts';

type Extract = Readonly<Record<string, unknown>>;

/** The meaning of an answer: the value to return, and the part of it that is recorded. */
export interface Reading<T> {
  readonly value: T;
  readonly extract: Extract;
}

/** One kind of call to Box: what is sent, what is logged, and how the answers are interpreted. */
export interface Operation<T> {
  readonly name: BoxOperation;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly params?: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, string | boolean | { readonly id: string }>>;
  /** The Box user to act as, instead of the app's service account. */
  readonly asUser?: string;
  /** Written to the call log, so without secrets. */
  readonly parameters: Extract;
  /** Whether a call without an answer may have changed something in Box. */
  readonly changes: boolean;
  /** Reads a 2xx body; undefined when it is not what Box documents. */
  accept(body: string | null): Reading<T> | undefined;
  /** Reads where a 302 leads to; left out where none is expected. */
  redirected?(location: string | undefined): Reading<T> | undefined;
  /** Interprets a 4xx that has a special meaning here: a value, or a code other than the usual one. */
  refuse?(status: number, error: BoxError): Reading<T> | ErrorCode | undefined;
}

export interface CallResult<T> {
  readonly result: BoxResult<T>;
  readonly outcome: Omit<CallOutcome, 'durationMs'>;
  /** Box refused the access token: nothing was done, and a new token may help. */
  readonly tokenRefused: boolean;
}

/**
 * Interprets the answer to a call. Pure. Follows Box's "common errors" page; an answer that is not clearly a refusal is
 * not treated as one.
 */
export function interpretResponse<T>(
  operation: Operation<T>,
  exchange: Exchange,
  redactor: Redactor,
): CallResult<T> {
  switch (exchange.kind) {
    case 'unsent':
      return failed(null, fault('box_unavailable', `Box could not be reached: ${exchange.reason}.`), {});
    case 'lost':
      return unsettled(operation, {
        status: null,
        detail: `Box did not answer: ${exchange.reason}.`,
        extract: {},
      });
    case 'answered':
      return isSuccess(exchange) || (exchange.status === 302 && operation.redirected !== undefined)
        ? accept(operation, exchange, redactor)
        : refuse(operation, exchange, redactor);
  }
}

const isSuccess = ({ status }: Answered): boolean => status >= 200 && status < 300;

function accept<T>(operation: Operation<T>, answered: Answered, redactor: Redactor): CallResult<T> {
  const { status, headers, body } = answered;
  const requestId = headers['box-request-id'];
  const reading = status === 302 ? operation.redirected?.(headers['location']) : operation.accept(body);
  if (!reading) {
    const detail = `Box answered ${status} with a body that cannot be read.`;
    return unsettled(operation, { status, detail, extract: cleaned({ requestId }, redactor) });
  }
  const answer = cleaned({ ...reading.extract, requestId }, redactor);
  return succeeded(reading.value, { result: 'ok', status, error: null, answer });
}

function refuse<T>(operation: Operation<T>, answered: Answered, redactor: Redactor): CallResult<T> {
  const { status, headers, body } = answered;
  const error = readError(body);
  const { code, message, conflictId } = error;
  const requestId = headers['box-request-id'] ?? error.requestId;
  const extract = cleaned({ code, message, conflictId, requestId }, redactor);
  const detail = describe(status, error, redactor);
  const retryAfterMs = readRetryAfter(headers);
  // 408: Box stopped waiting for the rest of a request, but may have read enough of it.
  if (status < 400 || status >= 500 || status === 408) {
    return unsettled(operation, { status, detail, extract, retryAfterMs });
  }
  if (status === 429) return failed(status, { ...fault('box_rate_limited', detail), retryAfterMs }, extract);

  const own = operation.refuse?.(status, error);
  if (own !== undefined && typeof own !== 'string') {
    const answer = { ...extract, ...own.extract };
    return succeeded(own.value, { result: 'refused', status, error: code ?? `HTTP ${status}`, answer });
  }
  const refused = fault(own ?? refusalCode(operation, status, error), detail);
  if (refused.code !== 'box_auth_failed') return withFault('refused', status, refused, extract);
  return { ...failed(status, refused, extract), tokenRefused: status === 401 && !isDeactivated(error) };
}

function refusalCode(operation: Operation<unknown>, status: number, error: BoxError): ErrorCode {
  if (status === 403) return 'box_forbidden';
  if (status !== 401) return 'box_invalid';
  // Without As-User the deactivated user is our own service account, which is not a fault of this person.
  return isDeactivated(error) && operation.asUser !== undefined ? 'box_user_deactivated' : 'box_auth_failed';
}

const isDeactivated = (error: BoxError): boolean => /deactivated/i.test(error.message ?? '');

/** It is unknown whether the call was carried out; for a call that changes nothing, that is the same as a failure. */
function unsettled<T>(
  { changes }: Operation<T>,
  told: { status: number | null; detail: string; extract: Extract; retryAfterMs?: number },
): CallResult<T> {
  const code = changes ? 'box_ambiguous' : 'box_unavailable';
  const unclear = { code, detail: told.detail, ambiguous: changes, retryAfterMs: told.retryAfterMs } as const;
  return withFault(changes ? 'ambiguous' : 'failed', told.status, unclear, told.extract);
}

const succeeded = <T>(value: T, outcome: CallResult<T>['outcome']): CallResult<T> => ({
  result: { ok: true, value },
  outcome,
  tokenRefused: false,
});

const failed = <T>(status: number | null, what: BoxFault, extract: Extract): CallResult<T> =>
  withFault('failed', status, what, extract);

function withFault<T>(
  result: CallOutcome['result'],
  status: number | null,
  what: BoxFault,
  extract: Extract,
): CallResult<T> {
  return {
    result: { ok: false, fault: what },
    outcome: {
      result,
      status,
      error: `${what.code}: ${what.detail}`,
      answer: status === null ? null : extract,
    },
    tokenRefused: false,
  };
}

/** A fault that certainly changed nothing. */
export const fault = (code: ErrorCode, detail: string): BoxFault => ({ code, detail, ambiguous: false });

const DETAIL_MAX = 300;
const PROBLEMS_MAX = 3;

/** For people: Box's status, code and message, and the fields that it names. */
function describe(status: number, error: BoxError, redactor: Redactor): string {
  const words = [error.code, error.message].filter((word) => word !== undefined).join(': ');
  const problems = error.problems
    .slice(0, PROBLEMS_MAX)
    .map(({ name, message }) => [name, message].filter((word) => word !== undefined).join(': '))
    .filter((line) => line !== '');
  const more = problems.length > 0 ? ` (${problems.join('; ')})` : '';
  return redactor.line(`Box answered ${status}${words === '' ? '' : ` ${words}`}${more}`, DETAIL_MAX);
}

const VALUE_MAX = 255;

/** Keeps only short texts and plain values; undefined values are left out. */
function cleaned(extract: Extract, redactor: Redactor): Extract {
  const known = Object.entries(extract).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    known.map(([name, value]) => [name, typeof value === 'string' ? redactor.line(value, VALUE_MAX) : value]),
  );
}
