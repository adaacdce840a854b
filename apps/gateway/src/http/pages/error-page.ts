import { personWords, type ErrorCode, type FoyerError } from '@foyer/shared';
import { html, type Html } from './html.ts';
import { page, referenceLine } from './page.ts';

const again = html`<a class="button" href="/login">Sign in again</a>`;
const asSomeoneElse = html`<a class="button" href="/login?prompt=login">Sign in as someone else</a>`;
const home = html`<a class="button quiet" href="/">Go to the start page</a>`;

/**
 * Links that may solve the problem, besides the home page. None is followed automatically, because Okta would return
 * the same error at once.
 */
const ways: Partial<Record<ErrorCode, Html>> = {
  sign_in_refused: asSomeoneElse,
  identity_deactivated: asSomeoneElse,
  identity_merged: again,
  sign_in_held: asSomeoneElse,
  sign_in_expired: again,
  sign_in_failed: again,
  okta_unavailable: again,
};

/** The sign-in validates this path again, so it cannot lead to another origin or to another sign-in. */
const andComeBack = (path: string): Html =>
  html`<a class="button" href="/login?returnTo=${encodeURIComponent(path)}">Sign in again</a>`;

/**
 * Renders an error for the person who signs in. The error's `detail` is for programs and operators and is left out.
 * `reference` identifies the lines of the log about it; `path` is the page that the person requested.
 */
export function errorPage({ code }: FoyerError, reference: string, path = '/'): string {
  const { heading, person } = personWords[code];
  const way = code === 'unauthenticated' ? andComeBack(path) : (ways[code] ?? null);
  return page({
    title: heading,
    body: html`<h1>${heading}</h1>
      <p>${person}</p>
      ${referenceLine(reference)}
      <p class="actions">${way} ${home}</p>`,
  });
}
