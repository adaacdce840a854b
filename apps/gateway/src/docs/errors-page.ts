import { dispositionOf, errorCatalog, errorCodes, personWords } from '@foyer/shared';
import { html } from '../http/pages/html.ts';
import { page } from '../http/pages/page.ts';

/** What happens to a provisioning request that fails with the error. */
const consequences: Readonly<Record<ReturnType<typeof dispositionOf>, string>> = {
  none: 'The call with this error is refused. No provisioning request changes.',
  retry: 'Foyer retries a provisioning request with this error automatically, with growing pauses.',
  delay:
    'A provisioning request with this error waits for the time that Box states, then continues. The attempt is not counted.',
  dead: 'A provisioning request with this error fails at once. When the cause is fixed, it can be retried.',
};

/** The closed list of error codes, with an anchor for each. */
export const errorsPage = (): string =>
  page({
    title: 'Error codes',
    body: html`<h1>Error codes</h1>
      <p>
        Every error of the <a href="/docs">API</a> is a problem document (RFC 9457) with one of these codes,
        and each failed provisioning request names one.
      </p>
      ${errorCodes.map((code) => {
        const { status, title, remedy } = errorCatalog[code];
        const { heading, person } = personWords[code];
        return html`<section id="${code}">
          <h2>
            <a href="#${code}"><code>${code}</code></a>
          </h2>
          <dl>
            <dt>Means</dt>
            <dd>${title}</dd>
            <dt>Status</dt>
            <dd>${status}</dd>
            <dt>Effect</dt>
            <dd>${consequences[dispositionOf(code)]}</dd>
            <dt>Remedy</dt>
            <dd>${remedy}</dd>
            <dt>A person reads</dt>
            <dd>${heading}. ${person}</dd>
          </dl>
        </section> `;
      })}`,
  });
