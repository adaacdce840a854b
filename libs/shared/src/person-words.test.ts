import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCatalog, errorCodes, remedyOf } from './errors.ts';
import { personWords } from './person-words.ts';

const page = readFileSync(join(import.meta.dirname, '../../../docs/errors.md'), 'utf8');
const words = (text: string) => text.replaceAll(/\s+/g, ' ');

/** Words that only people who run Foyer, or write programs for it, understand. */
const operatorsWords =
  /\b(admin\w*|operators?|credentials?|scopes?|queued?|rates?|tokens?|box app|app user|enterprise|workers?|attempts?|retry|retried|retrying|logs?|metrics?|api|json|https?|body|idempotency|utf-?8|parameters?|fields?|external id|issuer|provision\w*|foyer|webhooks?|database|redis|scim|identity|tenant)\b/i;
const promises = /\b(minutes?|moment|later|soon|by itself|shortly)\b/i;

describe.each(errorCodes)('the sentence of %s for the person', (code) => {
  const { heading, person, passes } = personWords[code];

  it("has a heading and one or two complete sentences, different from the operator's remedy", () => {
    expect(heading).toMatch(/^[A-Z].{5,50}[^.]$/);
    expect(person.match(/[.!?](?= |$)/g)?.length).toBeLessThanOrEqual(2);
    expect(person).toMatch(/^[A-Z].{10,180}\.$/);
    expect([remedyOf(code, false), remedyOf(code, true)]).not.toContain(person);
  });

  it("contains no operator's term and no code", () => {
    expect(`${heading}. ${person}`).not.toMatch(operatorsWords);
    for (const other of errorCodes) expect(`${heading} ${person}`).not.toContain(other);
  });

  it('says that the error passes only if waiting is enough', () => {
    // A sign-in expires after ten minutes, whatever its result.
    const text = person.replace('A sign-in lasts ten minutes', '');
    if (passes) expect(text).toMatch(promises);
    else expect(text).not.toMatch(promises);
    if (errorCatalog[code].disposition === 'dead') expect(passes).toBe(false);
  });

  it('is on the page of errors', () => {
    const [, section = ''] = page.split(`\n## ${code}\n`);
    expect(words(section.split('\n## ')[0] ?? '')).toContain(
      words(`A person reads: “${heading}. ${person}”`),
    );
  });
});
