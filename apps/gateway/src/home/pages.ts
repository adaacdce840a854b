import { errorCatalog, remedyOf, type FolderItem, type ProvisioningRequest } from '@foyer/shared';
import { assets } from '../http/assets.ts';
import { html, type Html } from '../http/html.ts';
import { page } from '../http/page.ts';

export type Files =
  | { readonly kind: 'listed'; readonly items: readonly FolderItem[]; readonly more: boolean }
  | { readonly kind: 'unavailable' }
  /** The configured Box app is not the one that the account belongs to, and does not see it. */
  | { readonly kind: 'other-app' };

export interface SignedIn {
  readonly name: string;
  readonly csrf: string;
}

export const signedOutPage = (): string =>
  page({
    title: 'Sign in',
    body: html`<h1>Welcome</h1>
      <p>Sign in with your company account to get to your Box files.</p>
      <p class="soft">The first time, a Box account is made for you. There is nothing to fill in.</p>
      <p class="actions"><a class="button" href="/login">Sign in</a></p>`,
  });

/** `isNew`: this very sign-in made the Box user. */
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
              ${listOf(files)}`
      }
      ${actions(csrf)}`,
  });
}

const kinds: Readonly<Record<FolderItem['type'], string>> = {
  file: 'File',
  folder: 'Folder',
  web_link: 'Link',
};

function listOf(files: Files): Html {
  if (files.kind === 'other-app') {
    return html`<p class="note bad" role="alert">
      Foyer is connected to another Box app than the one your account belongs to, so Box does not show your
      files here. They are safe. Your administrator has to decide which app is the right one; reloading does
      not help.
    </p>`;
  }
  if (files.kind !== 'listed') {
    return html`<p class="note bad" role="status">
      Box does not show your files at the moment. Your account is fine: reload this page in a minute.
    </p>`;
  }
  const { items, more } = files;
  if (items.length === 0) return html`<p class="note">There are no files in your Box account yet.</p>`;
  const rows = items.map(
    ({ type, name }) => html`<li><span>${name}</span><span class="soft">${kinds[type]}</span></li>`,
  );
  return html`<ul class="files">
      ${rows}
    </ul>
    ${more ? html`<p class="soft">Only the first ${items.length} are shown.</p>` : null}`;
}

/** Shows how far it is, and itself again until it is done: by the script, or without one by a refresh. */
export function progressPage({
  name,
  csrf,
  request,
}: SignedIn & { readonly request: ProvisioningRequest }): string {
  const { id, status, attempts, nextAttemptAt, error } = request;
  return page({
    title: 'Your Box account is being prepared',
    head: html`<noscript><meta http-equiv="refresh" content="2" /></noscript>
      <script src="${assets.progress.path}" type="module"></script>`,
    body: html`<div data-request="${id}">
      <h1>One moment, ${name}</h1>
      <p>Your Box account is being prepared. This page shows when it is ready; you need not do anything.</p>
      <dl aria-live="polite">
        <dt>Status</dt>
        <dd data-field="status">${status}</dd>
        <dt>Attempts</dt>
        <dd data-field="attempts">${attempts}</dd>
        <dt>Next attempt</dt>
        <dd data-field="next">${nextAttemptAt ?? 'now'}</dd>
        <dt>Request</dt>
        <dd><code>${id}</code></dd>
      </dl>
      ${error === null ? null : html`<p class="note">The last attempt ended with: ${error.title}. ${errorCatalog[error.code].remedy}</p>`}
      ${actions(csrf)}
    </div>`,
  });
}

/** Nobody is provisioned while the configured Box app is not the accounts' own: no page renews itself in vain. */
export const heldPage = ({
  name,
  csrf,
  request,
}: SignedIn & { readonly request: ProvisioningRequest }): string =>
  page({
    title: 'Your Box account has to wait',
    body: html`<h1>Your Box account has to wait</h1>
      <p>You are signed in as ${name}. Your Box account cannot be prepared at the moment.</p>
      <p class="note bad" role="alert">
        <strong>${errorCatalog.box_app_changed.title}</strong> than the one its accounts belong to. Until your
        administrator has decided which one is right, no accounts are made. Your request is kept and goes on
        by itself then: come back later.
      </p>
      <dl>
        <dt>Request</dt>
        <dd><code>${request.id}</code></dd>
      </dl>
      ${actions(csrf)}`,
  });

/** `isMadeAgain`: whether the next sign-in makes a new account. */
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
            ? html`Sign in again to get a new one. It will be empty: if you need the files of the old one, ask
              your Box administrator about Box user`
            : html`Please ask your administrator: they can look whether it can be restored, or have a new,
              empty one made for you. Give them this Box user id:`
        }
        <code>${boxUserId}</code>.
      </p>
      <div class="actions">
        ${isMadeAgain ? html`<a class="button" href="/login">Sign in again</a>` : null} ${signOut(csrf)}
      </div>`,
  });

export function failedPage({
  name,
  csrf,
  request,
}: SignedIn & { readonly request: ProvisioningRequest }): string {
  const { id, attempts, error } = request;
  const code = error?.code ?? 'internal_error';
  return page({
    title: 'Your Box account could not be prepared',
    body: html`<h1>Your Box account could not be prepared</h1>
      <p>You are signed in as ${name}, but your Box account is not ready.</p>
      <p class="note bad" role="alert">
        <strong>${errorCatalog[code].title}.</strong> ${remedyOf(code, true)}
      </p>
      <dl>
        <dt>Request</dt>
        <dd><code>${id}</code></dd>
        <dt>Attempts</dt>
        <dd>${attempts}</dd>
      </dl>
      <p>
        Nothing more happens by itself. Try again now, or give the request id to your administrator, who sees
        what went wrong and can retry it.
      </p>
      <div class="actions">
        <form method="post" action="/retry">
          ${csrfField(csrf)}
          <button type="submit">Try again</button>
        </form>
        ${signOut(csrf)}
      </div>`,
  });
}

const csrfField = (token: string): Html => html`<input type="hidden" name="_csrf" value="${token}" />`;

const signOut = (csrf: string): Html =>
  html`<form method="post" action="/logout">
    ${csrfField(csrf)}
    <button type="submit" class="quiet">Sign out</button>
  </form>`;

const actions = (csrf: string): Html => html`<div class="actions">${signOut(csrf)}</div>`;
