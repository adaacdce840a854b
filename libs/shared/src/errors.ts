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
    'The request arrived too slowly',
    'Send the whole body within 30 s, and a batch at 1 KiB or more per second.',
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
    'Sign-in or an access token is required',
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
    'Request a token with the scope that `detail` names.',
  ),
  csrf_failed: entry(403, 'none', 'The form has expired', 'Reload the page and try again.'),
  not_found: entry(
    404,
    'none',
    'The resource does not exist',
    'Check the address. The resource may also belong to another person.',
  ),
  idempotency_key_reused: entry(
    422,
    'none',
    'The idempotency key was used with a different body',
    'Use a new key for a new body.',
  ),
  idempotency_key_in_use: entry(
    409,
    'none',
    'The first request with this key is still being read',
    'Wait until the first request is answered.',
  ),
  not_retryable: entry(
    409,
    'none',
    'Only a failed request can be retried',
    'Check the status of the request.',
  ),
  too_many_requests: entry(429, 'none', 'Too many requests', 'Wait for the time that Retry-After states.'),
  identity_deactivated: entry(
    403,
    'dead',
    'This person has been deactivated',
    'Reactivate the person in Okta. Signing in does not reactivate a person.',
  ),
  identity_merged: entry(
    409,
    'dead',
    'This identity was merged into another one',
    'Use the identity that stays, which `mergedInto` of this identity names.',
    'No action is needed: the identity that stays, which `mergedInto` of this identity names, has its own requests.',
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
    'Sign in again. A sign-in is valid for ten minutes, once, in one browser.',
  ),
  sign_in_held: entry(
    403,
    'none',
    'The sign-in is on hold',
    'A deactivated person has the same user name. Give the reference to your administrator, who can release the sign-in.',
  ),
  sign_in_failed: entry(
    401,
    'none',
    'The sign-in could not be verified',
    'Sign in again. If the sign-in fails again, give the reference to your administrator.',
  ),
  okta_unavailable: entry(503, 'none', 'Okta cannot be reached', 'Try again in a minute.'),
  unavailable: entry(503, 'none', 'A part of Foyer is not available', 'Try again in a minute.'),
  internal_error: entry(
    500,
    'retry',
    'An internal error occurred',
    'Give the reference to your administrator.',
    'An operator must find the cause: the log has the error of each attempt as `converge-threw`. Then retry the request.',
  ),
  worker_died: entry(
    500,
    'dead',
    'Each worker stopped while it ran this request',
    'An operator must find the cause in the logs: the timeline of the request shows the times. Then retry the request.',
  ),
  box_rate_limited: entry(
    503,
    'delay',
    'Box limits the rate of our calls',
    'No action is needed: Foyer continues when Box accepts calls again.',
  ),
  box_unavailable: entry(
    503,
    'retry',
    'Box cannot be reached or is failing',
    'No action is needed: Foyer tries again.',
    'Retry the request when Box answers again. status.box.com lists incidents.',
  ),
  box_ambiguous: entry(
    503,
    'retry',
    'The result of a call to Box is not known',
    'No action is needed: the next attempt reads from Box what happened before it changes anything.',
    'Retry the request when Box answers again. The retry reads from Box what happened before it changes anything.',
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
    'The Box app lacks a permission',
    'Give the Box app the scopes and access level of the Box set-up page, authorize it again, then retry the request.',
  ),
  box_invalid: entry(
    502,
    'dead',
    'Box rejected the data that we sent',
    'Read `detail`, correct the profile in Okta, then retry the request.',
  ),
  box_user_missing: entry(
    502,
    'dead',
    'The Box user no longer exists',
    'It was deleted in Box. An administrator can restore it in Box, or let Foyer create a new one.',
  ),
  box_app_changed: entry(
    503,
    'delay',
    'Foyer is connected to another Box app',
    'No action is needed: Foyer continues when an administrator has decided which Box app is correct.',
  ),
  box_user_deactivated: entry(
    403,
    'dead',
    'The Box user is deactivated',
    'If nobody intended this, an operator can reactivate the user with verify --repair.',
  ),
  box_conflict: entry(
    502,
    'retry',
    'Box says that the user exists, but does not return it',
    'No action is needed: Foyer tries again. If the error persists, the user may belong to another Box app.',
    'Retry the request. If it fails again, the user may belong to another Box app: an operator must check this.',
  ),
  box_user_mismatch: entry(
    502,
    'dead',
    'The Box user that was found is not this person’s',
    'It is not an app user, has another external id, or already belongs to another identity. An operator must check whose user it is.',
  ),
  box_group_conflict: entry(
    409,
    'retry',
    'Another Box group has this name',
    'No action is needed if the other group will be renamed or deleted soon. Otherwise rename one of the two groups, in Okta or in Box, then push the group again.',
    'Rename one of the two groups, in Okta or in Box. Then push the group again, or retry the request.',
  ),
  box_group_missing: entry(
    404,
    'retry',
    'The Box group no longer exists',
    'No action is needed: the next attempt creates the group again. If the error persists, somebody deletes the group in Box repeatedly.',
    'Find out who deletes the group in Box. Then retry the request, which creates the group again.',
  ),
  box_member_missing: entry(
    404,
    'dead',
    'The Box user or the Box group no longer exists',
    'It was deleted in Box. Provision the person or the group again, then retry the request.',
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
