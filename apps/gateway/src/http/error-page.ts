import { errorCatalog, type ErrorCode, type FoyerError } from '@foyer/shared';
import { html, type Html } from './html.ts';
import { page } from './page.ts';

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

/** What the catalog tells operators, in words for the one at the screen. */
const forThem: Partial<Record<ErrorCode, { readonly title: string; readonly remedy: string }>> = {
  identity_deactivated: {
    title: 'Your access has been switched off',
    remedy: 'Your files are kept. Ask your company’s Okta administrator to switch your access on again.',
  },
  sign_in_held: {
    title: 'Your sign-in is on hold',
    remedy:
      'Your user name belonged to an account that was switched off. Give the reference to your administrator.',
  },
};

/** Says what happened and what to do. `reference` finds the lines of the log about it. */
export function errorPage(error: FoyerError, reference: string): string {
  const { title, remedy } = forThem[error.code] ?? errorCatalog[error.code];
  return page({
    title,
    body: html`<h1>${title}</h1>
      ${error.detail === undefined ? null : html`<p>${error.detail}</p>`}
      <p>${remedy}</p>
      <p class="soft">Reference: <code>${reference}</code></p>
      <p class="actions">${ways[error.code] ?? null} ${home}</p>`,
  });
}
