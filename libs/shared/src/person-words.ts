import type { ErrorCode } from './errors.ts';

/** The text of a code for the person at the screen. For operators, the catalog has `remedy`. */
export interface PersonWords {
  /** The heading of the page. */
  readonly heading: string;
  /** One or two plain sentences that speak to the person. */
  readonly person: string;
  /** Whether waiting is enough; only then may the text promise that the problem passes. */
  readonly passes: boolean;
}

const passing = (heading: string, person: string): PersonWords => ({ heading, person, passes: true });
const lasting = (heading: string, person: string): PersonWords => ({ heading, person, passes: false });

const askHelpDesk = 'Please contact your help desk and give them the reference.';
const notReady = 'Your Box account is not ready';
const badLink = lasting(
  'This link does not work',
  'Something in the address or the form is not right. Go to the start page and begin again.',
);
const notForPages = lasting('This is not possible here', 'Go to the start page and begin again.');
const boxIsAway = passing(
  'Box does not answer',
  'Box cannot be reached at the moment. Try again in a minute.',
);
const beingPrepared = passing(
  notReady,
  'Preparing your Box account takes longer than usual. Check again in a minute.',
);
const cannotPrepare = lasting(notReady, `Your Box account could not be prepared. ${askHelpDesk}`);
const wrongGroup = lasting(notReady, `Something about your groups in Box is not right. ${askHelpDesk}`);

/** An entry for each code, so that a person is never shown a text for operators. */
export const personWords: Readonly<Record<ErrorCode, PersonWords>> = {
  invalid_request: badLink,
  malformed_body: badLink,
  body_too_large: lasting('That was too much at once', 'Send less at once, or contact your help desk.'),
  request_timeout: passing(
    'Your connection was too slow',
    'What you sent did not arrive in time. Try again in a minute.',
  ),
  unsupported_media_type: notForPages,
  unauthenticated: lasting('Please sign in', 'You are not signed in, or your session has ended.'),
  invalid_token: lasting('Please sign in', 'You are not signed in, or your session has ended.'),
  insufficient_scope: lasting('You may not open this', 'This page is not for your account.'),
  csrf_failed: lasting('The form has expired', 'Go back, reload the page and send the form again.'),
  not_found: lasting(
    'This page does not exist',
    'The address may be wrong, or what was here has been moved or deleted.',
  ),
  idempotency_key_reused: notForPages,
  idempotency_key_in_use: notForPages,
  not_retryable: lasting(
    'This cannot be tried again',
    'Go to the start page to see where your account stands.',
  ),
  too_many_requests: passing(
    'That was a little too fast',
    'You, or other people on your network, opened too many pages in a short time. Try again in a minute.',
  ),
  identity_deactivated: lasting(
    'Your access has been switched off',
    'Your files are kept. If you should have access, please contact your help desk and give them the reference.',
  ),
  identity_merged: lasting(
    'Your accounts were joined',
    'You had two accounts, which are one now. Please sign in again.',
  ),
  no_box_account: passing(
    'You have no Box account yet',
    'Your Box account is created when you sign in. The start page shows the progress, which takes a minute at most.',
  ),
  sign_in_refused: lasting(
    'You cannot sign in here',
    'Okta knows you, but does not let you use this app. Sign in as someone else, or ask your help desk for access.',
  ),
  sign_in_expired: lasting(
    'The sign-in has expired',
    'A sign-in lasts ten minutes and works once, in one browser. Sign in again.',
  ),
  sign_in_held: lasting(
    'Your sign-in is on hold',
    `Your user name belonged to an account that was switched off. ${askHelpDesk}`,
  ),
  sign_in_failed: lasting(
    'The sign-in could not be verified',
    'Sign in again. If the same happens again, please contact your help desk and give them the reference.',
  ),
  okta_unavailable: passing(
    'Okta cannot be reached',
    'You cannot sign in at the moment. Try again in a minute.',
  ),
  unavailable: passing('This page is not available', 'It should be back soon. Try again in a minute.'),
  internal_error: lasting('Something went wrong', `That was our fault, not yours. ${askHelpDesk}`),
  worker_died: cannotPrepare,
  box_rate_limited: passing('Box is busy', 'Many people use Box at the moment. Try again in a minute.'),
  box_unavailable: boxIsAway,
  box_ambiguous: boxIsAway,
  box_auth_failed: lasting('Box cannot be reached from here', `Your files are safe. ${askHelpDesk}`),
  box_forbidden: lasting(
    'Box does not allow this',
    `Something about your Box account needs attention. ${askHelpDesk}`,
  ),
  box_invalid: lasting(
    notReady,
    `Box does not accept some data of your account, perhaps your name. ${askHelpDesk}`,
  ),
  box_user_missing: lasting('Your Box account was deleted', `It was deleted in Box. ${askHelpDesk}`),
  box_app_changed: lasting(
    'Your Box account cannot be reached from here',
    'Your files are safe, but cannot be shown here. If you need them, contact your help desk and give them the reference.',
  ),
  box_user_deactivated: lasting('Your Box account is switched off', `Your files are kept. ${askHelpDesk}`),
  box_conflict: beingPrepared,
  box_user_mismatch: lasting(
    notReady,
    `The Box account that was found may not be yours, so it was not opened. ${askHelpDesk}`,
  ),
  box_group_conflict: wrongGroup,
  box_group_missing: wrongGroup,
  box_member_missing: wrongGroup,
};
