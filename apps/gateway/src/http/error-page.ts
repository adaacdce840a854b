import { personWords, type ErrorCode, type FoyerError } from '@foyer/shared';
import { html, type Html } from './html.ts';
import { page, referenceLine } from './page.ts';

const again = html`<a class="button" href="/login">Sign in again</a>`;
const asSomeoneElse = html`<a class="button" href="/login?prompt=login">Sign in as someone else</a>`;
const home = html`<a class="button quiet" href="/">Go to the start page</a>`;

/** What can be done about it, besides going home. None of these begins by itself: Okta would answer the same at once. */
const ways: Partial<Record<ErrorCode, Html>> = {
  sign_in_refused: asSomeoneElse,
  identity_deactivated: asSomeoneElse,
  sign_in_held: asSomeoneElse,
  sign_in_expired: again,
  sign_in_failed: again,
  okta_unavailable: again,
  unauthenticated: again,
};

/**
 * Says what happened, to the person at the screen. The error's `detail` is written for programs and operators, and stays out.
 * `reference` finds the lines of the log about it.
 */
export function errorPage({ code }: FoyerError, reference: string): string {
  const { heading, person } = personWords[code];
  return page({
    title: heading,
    body: html`<h1>${heading}</h1>
      <p>${person}</p>
      ${referenceLine(reference)}
      <p class="actions">${ways[code] ?? null} ${home}</p>`,
  });
}
