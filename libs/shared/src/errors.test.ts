import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dispositionOf, errorCatalog, errorCodes, failureCodes, remedyOf } from './errors.ts';

const page = readFileSync(join(import.meta.dirname, '../../../docs/errors.md'), 'utf8');

describe('the page of error codes', () => {
  it.each(errorCodes)('explains %s with its title and status, and lists it', (code) => {
    const { title, status } = errorCatalog[code];
    expect(page).toContain(`\n## ${code}\n\n**${title}.** HTTP ${status}.`);
    expect(page).toMatch(new RegExp(`\\n\\| \\[${code}\\]\\(#${code}\\) +\\| ${status} +\\|`));
  });
});

describe('the remedy for a failed request', () => {
  const tried = failureCodes.filter((code) => dispositionOf(code) === 'retry');
  it.each(tried)('promises no further attempt (%s)', (code) => {
    expect(remedyOf(code, true)).not.toMatch(/no action is needed|next attempt|foyer tries again/i);
    expect(remedyOf(code, false)).toBe(errorCatalog[code].remedy);
  });

  it('is on the page if it differs', () => {
    for (const code of failureCodes) {
      const words = (text: string) => text.replaceAll(/\s+/g, ' ');
      expect(words(page)).toContain(words(remedyOf(code, true)));
    }
  });
});
