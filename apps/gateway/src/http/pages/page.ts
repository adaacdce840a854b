import { assets } from './assets.ts';
import { html, type Html } from './html.ts';

interface Page {
  readonly title: string;
  readonly body: Html;
  /** Inserted into the head, after the stylesheet. */
  readonly head?: Html;
}

/** Renders a whole page. `body` contains its own h1. */
export const page = ({ title, body, head }: Page): string =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} – Foyer</title>
        <link rel="icon" href="${assets.icon.path}" type="image/svg+xml" />
        <link rel="stylesheet" href="${assets.style.path}" />
        ${head ?? null}
      </head>
      <body>
        <header><a class="brand" href="/">Foyer</a></header>
        <main>${body}</main>
      </body>
    </html> `.toString();

/** The reference that a person gives to their help desk; it identifies the lines of the log. */
export const referenceLine = (reference: string): Html =>
  html`<p class="soft reference">Reference for your help desk: <code>${reference}</code></p>`;
