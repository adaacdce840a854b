import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCatalog, errorCodes } from './errors.ts';

const page = readFileSync(join(import.meta.dirname, '../../../docs/errors.md'), 'utf8');

describe('the page of error codes', () => {
  it.each(errorCodes)('explains %s with its title and status, and lists it', (code) => {
    const { title, status } = errorCatalog[code];
    expect(page).toContain(`\n## ${code}\n\n**${title}.** HTTP ${status}.`);
    expect(page).toMatch(new RegExp(`\\n\\| \\[${code}\\]\\(#${code}\\) +\\| ${status} +\\|`));
  });
});
