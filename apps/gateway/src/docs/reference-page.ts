import { assets } from '../http/pages/assets.ts';
import { html } from '../http/pages/html.ts';
import { paths } from './operations.ts';

/**
 * Allows scripts and styles from this origin only. Swagger UI's stylesheet draws its icons from data: addresses, and
 * its Authorize button requests an access token from `tokenUrl`.
 */
export const referencePolicy = (tokenUrl: string): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    `connect-src 'self' ${new URL(tokenUrl).origin}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');

const operations = Object.entries(paths).flatMap(([path, { get, post }]) => [
  ...(get ? [{ method: 'GET', path, summary: get.summary ?? '' }] : []),
  ...(post ? [{ method: 'POST', path, summary: post.summary ?? '' }] : []),
]);

/** The API's page: Swagger UI over the document; without scripts, a list of the operations. */
export const referencePage = (): string =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>API – Foyer</title>
        <link rel="icon" href="${assets.icon.path}" type="image/svg+xml" />
        <link rel="stylesheet" href="/docs/swagger-ui.css" />
        <script src="/docs/swagger-ui-bundle.js" defer></script>
        <script src="${assets.reference.path}" defer></script>
      </head>
      <body>
        <main>
          <p>
            <a href="/docs/openapi.json">OpenAPI 3.1 document</a> · <a href="/docs/errors">Error codes</a> ·
            <a href="/">Foyer</a>
          </p>
          <div id="reference">
            <h1>Foyer API</h1>
            <ul>
              ${operations.map(({ method, path, summary }) => html`<li><code>${method} ${path}</code> ${summary}</li> `)}
            </ul>
          </div>
        </main>
      </body>
    </html> `.toString();
