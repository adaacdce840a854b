import { signedOut } from '../sessions/signed-out.ts';
import { personWords, type ErrorCode } from '@foyer/shared';
import { listOf } from '../files/files-pages.ts';
import type { Listing } from '../files/files.service.ts';
import { html, type Html } from '../http/pages/html.ts';
import { page, referenceLine } from '../http/pages/page.ts';
import { actions, type SignedIn } from '../http/pages/signed-in.ts';

export type Files =
  | { readonly kind: 'listed'; readonly listing: Listing }
  /** `reference` identifies the lines of the log about this failure. */
  | { readonly kind: 'unavailable'; readonly code: ErrorCode; readonly reference: string };

export const signedOutPage = (state?: unknown): string =>
  state === signedOut.everywhere || state === signedOut.here
    ? afterSigningOut(state === signedOut.everywhere)
    : page({
        title: 'Sign in',
        body: html`<h1>Welcome</h1>
          <p>Sign in with your company account to open your Box files.</p>
          <p class="soft">
            The first time you sign in, a Box account is created for you. You do not have to fill in anything.
          </p>
          ${signIn('Sign in')}`,
      });

const afterSigningOut = (isEverywhere: boolean): string =>
  page({
    title: 'You are signed out',
    body: html`<h1>You are signed out</h1>
      <p>
        ${
          isEverywhere
            ? 'You can close this page now.'
            : 'You may still be signed in to your company account. On a shared computer, close the browser now.'
        }
      </p>
      ${signIn('Sign in again')}`,
  });

const signIn = (words: string): Html =>
  html`<p class="actions"><a class="button" href="/login">${words}</a></p>`;

/** `isNew`: this sign-in created the Box user. */
export function signedInPage({
  name,
  csrf,
  isNew,
  boxUserId,
  files,
}: SignedIn & { readonly isNew: boolean; readonly boxUserId: string | null; readonly files: Files }): string {
  const message = isNew ? `New user created: ${name}` : `Hello ${name}`;
  const account =
    boxUserId === null
      ? html`<p>You have no Box account yet.</p>`
      : html`<p class="soft">
          Your Box user id is <code data-box-user-id="${boxUserId}">${boxUserId}</code>.
        </p>`;
  return page({
    title: message,
    body: html`<h1>${message}</h1>
      ${account}
      ${
        boxUserId === null
          ? null
          : html`<h2>Your Box files</h2>
              ${listed(files)}`
      }
      ${actions(csrf)}`,
  });
}

function listed(files: Files): Html {
  if (files.kind === 'listed') return listOf(files.listing, { folder: '0', cursor: undefined });
  const { heading, person } = personWords[files.code];
  return html`<p class="note bad" role="alert"><strong>${heading}.</strong> ${person}</p>
    ${referenceLine(files.reference)}`;
}
