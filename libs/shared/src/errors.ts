/**
 * The closed list of error codes. Each has a title, the HTTP status of the response, and what the queue does with a
 * request that fails with it:
 * - `retry`: try again with exponential back-off, up to the retry policy's last attempt;
 * - `delay`: try again at the time that the remote service gives, without counting an attempt;
 * - `dead`: fail at once, because an operator has to act;
 * - `none`: never occurs in the queue.
 * The code is also the anchor of its entry on the errors page.
 */
type Disposition = 'retry' | 'delay' | 'dead' | 'none';
interface ErrorEntry {
  readonly title: string;
  readonly status: number;
  readonly disposition: Disposition;
  /** What the reader of the error can do. */
  readonly remedy: string;
  /**
   * The remedy for a request that has failed with this code and is not retried automatically. If absent, `remedy`
   * applies.
   */
  readonly remedyWhenFailed?: string;
}

const entry = (
  status: number,
  disposition: Disposition,
  title: string,
  remedy: string,
  remedyWhenFailed?: string,
): ErrorEntry => ({
  title,
  status,
  disposition,
  remedy,
  ...(remedyWhenFailed !== undefined && { remedyWhenFailed }),
});

export const errorCatalog = {
  invalid_request: entry(400, 'none', 'The request is not valid', 'Correct the fields that `errors` names.'),
  malformed_body: entry(400, 'none', 'The body cannot be read', 'Send well-formed JSON in UTF-8.'),
  body_too_large: entry(413, 'none', 'The body is too large', 'Send at most 64 KiB.'),
  request_timeout: entry(
    408,
    'none',
    'The request came too slowly',
    'Send the whole body within 30 s; a batch at 1 KiB a second or more.',
  ),
  unsupported_media_type: entry(
    415,
    'none',
    'The media type is not supported',
    'Send application/json; for a batch, application/x-ndjson or text/csv.',
  ),
  unauthenticated: entry(
    401,
    'none',
    'Sign-in or an access token is needed',
    'Sign in, or send a bearer token.',
  ),
  invalid_token: entry(
    401,
    'none',
    'The access token is not valid',
    'Get a new token for this API from Okta.',
  ),
  insufficient_scope: entry(
    403,
    'none',
    'The access token lacks a scope',
    'Ask for the scope that `detail` names.',
  ),
  csrf_failed: entry(403, 'none', 'The form has expired', 'Reload the page and try again.'),
  not_found: entry(
    404,
    'none',
    'There is nothing here',
    'Check the address; it may belong to somebody else.',
  ),
  idempotency_key_reused: entry(
    422,
    'none',
    'The idempotency key was used with another body',
    'Use a new key for a new body.',
  ),
  idempotency_key_in_use: entry(
    409,
    'none',
    'The body of this idempotency key is still being read',
    'Wait for the first call to be answered.',
  ),
  not_retryable: entry(409, 'none', 'Only a failed request can be retried', 'Look at its status.'),
  too_many_requests: entry(429, 'none', 'Too many requests', 'Wait as long as Retry-After says.'),
  identity_deactivated: entry(
    403,
    'dead',
    'This person has been deactivated',
    'Reactivate them in Okta; signing in cannot.',
  ),
  no_box_account: entry(
    409,
    'none',
    'There is no Box account yet',
    'Follow the newest provisioning request until it has succeeded.',
  ),
  sign_in_refused: entry(
    403,
    'none',
    'Okta refused the sign-in',
    'Ask your administrator for access to this app.',
  ),
  sign_in_expired: entry(
    400,
    'none',
    'The sign-in has expired',
    'Start again; a sign-in lasts ten minutes and works once, in one browser.',
  ),
  sign_in_held: entry(
    403,
    'none',
    'Your sign-in is on hold',
    'Somebody with your user name has been switched off. Give the reference to your administrator, who can let you in.',
  ),
  sign_in_failed: entry(
    401,
    'none',
    'The sign-in could not be verified',
    'Start again; if it goes on, give the reference to your administrator.',
  ),
  okta_unavailable: entry(503, 'none', 'Okta cannot be reached', 'Try again in a minute.'),
  unavailable: entry(503, 'none', 'A part of Foyer is not available', 'Try again in a minute.'),
  internal_error: entry(
    500,
    'retry',
    'Something went wrong here',
    'Give the reference to your administrator.',
    'An operator must look: the log has the fault of each attempt as `converge-threw`. Then retry.',
  ),
  worker_died: entry(
    500,
    'dead',
    'Each worker that took this up died',
    'An operator must look: the logs of the times in its timeline say what ended the worker. Then retry.',
  ),
  box_rate_limited: entry(503, 'delay', 'Box asked us to wait', 'Nothing: it goes on when Box allows.'),
  box_unavailable: entry(
    503,
    'retry',
    'Box cannot be reached or is failing',
    'Nothing: it is tried again.',
    'Retry it once Box answers again: status.box.com tells of incidents.',
  ),
  box_ambiguous: entry(
    503,
    'retry',
    'Box did not say whether it did it',
    'Nothing: the next attempt looks before it acts.',
    'Retry it once Box answers again: the retry looks before it acts.',
  ),
  box_auth_failed: entry(
    502,
    'delay',
    'Box refused our credentials',
    'Check the Box app: client id, secret or key, enterprise id, and its authorization in the Admin Console.',
  ),
  box_forbidden: entry(
    502,
    'dead',
    'The Box app may not do this',
    'Give the Box app the scopes and access level of the Box set-up page, authorize it again, then retry.',
  ),
  box_invalid: entry(
    502,
    'dead',
    'Box refused what we sent',
    'Read `detail`, correct the profile in Okta, then retry.',
  ),
  box_user_missing: entry(
    502,
    'dead',
    'The Box user is gone',
    'It was deleted in Box. An administrator can restore it, or have a new one made.',
  ),
  box_app_changed: entry(
    503,
    'delay',
    'Foyer is connected to another Box app',
    'Nothing: it goes on when an administrator has decided which Box app is the right one.',
  ),
  box_user_deactivated: entry(
    403,
    'dead',
    'The Box user is deactivated',
    'If that was not meant: an operator switches it on again with verify --repair.',
  ),
  box_conflict: entry(
    502,
    'retry',
    'Box says the user exists but does not show it',
    'Nothing: it is tried again. If it stays, the user may belong to another Box app.',
    'Retry it. If it fails again, the user may belong to another Box app: an operator must look.',
  ),
  box_user_mismatch: entry(
    502,
    'dead',
    'The Box user found is not this person’s',
    'It is not an app user, carries another external id, or already belongs to another identity. An operator must look.',
  ),
  box_group_conflict: entry(
    409,
    'retry',
    'Another Box group has this name',
    'Nothing, if the other group is about to be renamed or deleted. Else rename one of the two, in Okta or in Box, then push the group again.',
    'Rename one of the two groups, in Okta or in Box. Then push the group again, or retry.',
  ),
  box_group_missing: entry(
    404,
    'retry',
    'The Box group is gone',
    'Nothing: the next attempt makes it again. If it stays, somebody deletes it in Box.',
    'Find out who deletes the group in Box. Then retry: it is made again.',
  ),
  box_member_missing: entry(
    404,
    'dead',
    'The Box user or the Box group is gone',
    'It was deleted in Box. Bring the person or the group in step again, then retry.',
  ),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorCatalog;
export const errorCodes = Object.keys(errorCatalog) as [ErrorCode, ...ErrorCode[]];

export const dispositionOf = (code: ErrorCode): Disposition => errorCatalog[code].disposition;

/**
 * What to do about a request that ended with `code`. `isFinal`: the request has failed and is not retried
 * automatically.
 */
export function remedyOf(code: ErrorCode, isFinal: boolean): string {
  const { remedy, remedyWhenFailed }: ErrorEntry = errorCatalog[code];
  return isFinal ? (remedyWhenFailed ?? remedy) : remedy;
}

/** The codes that a request can fail with. */
export const failureCodes = errorCodes.filter((code) => dispositionOf(code) !== 'none');

/** Where the code is explained: a path relative to the gateway. */
export const docsOf = (code: ErrorCode): string => `/docs/errors#${code}`;

/** An error of the closed list. `detail` may be shown to the client; `cause` is only written to the log. */
export class FoyerError extends Error {
  readonly code: ErrorCode;
  readonly detail: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly fields: readonly FieldError[];

  constructor(
    code: ErrorCode,
    detail?: string,
    options: { cause?: unknown; retryAfterMs?: number; fields?: readonly FieldError[] } = {},
  ) {
    super(detail === undefined ? errorCatalog[code].title : `${errorCatalog[code].title}: ${detail}`, {
      cause: options.cause,
    });
    this.name = 'FoyerError';
    this.code = code;
    this.detail = detail;
    this.retryAfterMs = options.retryAfterMs;
    this.fields = options.fields ?? [];
  }
}

/** An invalid field: `field` is a dotted path, `message` says what is wrong with it. */
export interface FieldError {
  readonly field: string;
  readonly message: string;
}
