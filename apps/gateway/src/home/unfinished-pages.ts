import { personWords, type ProvisioningRequest } from '@foyer/shared';
import { assets } from '../http/pages/assets.ts';
import { html, type Html } from '../http/pages/html.ts';
import { page, referenceLine } from '../http/pages/page.ts';
import { actions, csrfField, signOut, type SignedIn } from '../http/pages/signed-in.ts';

type Waiting = SignedIn & { readonly request: ProvisioningRequest };

/** Shows the progress until the request is final: updated by the script, or by a refresh without scripts. */
export function progressPage({ name, csrf, request: { id, error } }: Waiting): string {
  return page({
    title: 'Your Box account is being prepared',
    head: html`<noscript><meta http-equiv="refresh" content="2" /></noscript>
      <script src="${assets.progress.path}" type="module"></script>`,
    body: html`<div data-request="${id}">
      <h1>One moment, ${name}</h1>
      <p>Your Box account is being prepared. This page shows your files as soon as it is ready.</p>
      ${steps(['You are signed in', 'Your Box account is being prepared', 'Your files are shown'], 1)}
      <div role="status">
        ${html`<p class="note" data-field="slow" ${error === null ? hidden : null}>
          This takes longer than usual, and continues by itself. You can wait here, or come back later.
        </p>`}
      </div>
      ${referenceLine(id)} ${actions(csrf)}
    </div>`,
  });
}

const hidden = html`hidden`;

/** `current` is the step in progress; the steps before it are done. */
const steps = (names: readonly string[], current: number): Html =>
  html`<ol class="steps">
    ${names.map((name, at) =>
      at < current
        ? html`<li class="done">${name}<span class="unseen">: done</span></li>`
        : at === current
          ? html`<li class="current" aria-current="step">${name}</li>`
          : html`<li>${name}</li>`,
    )}
  </ol>`;

/**
 * Provisioning is suspended while the configured Box app is not the one of the accounts, so the page does not refresh
 * itself.
 */
export const heldPage = ({ name, csrf, request }: Waiting): string =>
  page({
    title: 'Your Box account has to wait',
    body: html`<h1>Your Box account has to wait</h1>
      <p>You are signed in as ${name}. Your Box account cannot be prepared for now.</p>
      <p class="note bad" role="alert">
        You do not have to do anything: your request is kept, and continues later by itself. If it takes long,
        please contact your help desk and give them the reference.
      </p>
      ${referenceLine(request.id)} ${actions(csrf)}`,
  });

/** `isMadeAgain`: whether the next sign-in creates a new account. */
export const missingPage = ({
  name,
  csrf,
  boxUserId,
  isMadeAgain,
}: SignedIn & { readonly boxUserId: string; readonly isMadeAgain: boolean }): string =>
  page({
    title: 'Your Box account was deleted',
    body: html`<h1>Your Box account was deleted</h1>
      <p>You are signed in as ${name}, but the Box account that you had here was deleted in Box.</p>
      <p class="note bad" role="alert">
        ${
          isMadeAgain
            ? html`Sign in again to get a new, empty one. If you need the files of the old one, contact your
              help desk first and give them the reference.`
            : html`Please contact your help desk and give them the reference.`
        }
      </p>
      ${referenceLine(`Box user ${boxUserId}`)}
      <div class="actions">
        ${isMadeAgain ? html`<a class="button" href="/login">Sign in again</a>` : null} ${signOut(csrf)}
      </div>`,
  });

export function failedPage({ name, csrf, request: { id, error } }: Waiting): string {
  const { person, passes } = personWords[error?.code ?? 'internal_error'];
  return page({
    title: 'Your Box account could not be prepared',
    body: html`<h1>Your Box account could not be prepared</h1>
      <p>You are signed in as ${name}, but your Box account is not ready.</p>
      <p class="note bad" role="alert">${person}</p>
      <p>
        ${
          passes
            ? 'If it fails again, please contact your help desk and give them the reference.'
            : 'Try again only when your help desk has told you that the problem is fixed.'
        }
      </p>
      ${referenceLine(id)}
      <div class="actions">
        <form method="post" action="/retry">
          ${csrfField(csrf)}
          <button type="submit">Try again</button>
        </form>
        ${signOut(csrf)}
      </div>`,
  });
}
