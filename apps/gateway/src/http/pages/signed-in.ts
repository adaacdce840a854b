import { html, type Html } from './html.ts';

/** The person of a page, and the token that its forms carry. */
export interface SignedIn {
  readonly name: string;
  readonly csrf: string;
}

export const csrfField = (token: string): Html => html`<input type="hidden" name="_csrf" value="${token}" />`;

export const signOut = (csrf: string): Html =>
  html`<form method="post" action="/logout">
    ${csrfField(csrf)}
    <button type="submit" class="quiet">Sign out</button>
  </form>`;

export const actions = (csrf: string): Html => html`<div class="actions">${signOut(csrf)}</div>`;
