import { DeadLetters, type DeadLetter, type DeadLetterCount } from '@foyer/persistence';
import { docsOf, errorCatalog, remedyOf } from '@foyer/shared';
import type { Command } from '../../command.ts';
import { codeOption } from '../../dead-letter-options.ts';
import { withTenant } from '../../tenancy.ts';
import { shown, type Terminal } from '../../terminal.ts';

const PAGE = 500;
/** The most requests shown for each code; --code CODE shows all of one. */
const SHOWN = 10;

export const deadListCommand: Command = {
  path: ['dead', 'list'],
  summary: 'list failed requests that no later request resolved, by error code',
  options: { code: { type: 'string' }, json: { type: 'boolean' } },
  help: {
    '--code CODE': 'list all requests with this error code',
    '--json': 'print all of them as JSON, one per line',
  },
  async run({ terminal, config }, values) {
    const code = codeOption(values);
    return withTenant(config(), async ({ database, tenantId }) => {
      const letters = new DeadLetters(database, tenantId);
      const counts = (await letters.counts()).filter((count) => code === null || count.code === code);
      if (values.json) await printAll(letters, code, terminal, (letter) => JSON.stringify(withTitle(letter)));
      else await printByCode(letters, counts, code !== null, terminal);
      return counts.length === 0 ? 0 : 1;
    });
  },
};

const withTitle = (letter: DeadLetter) => ({
  ...letter,
  title: errorCatalog[letter.code].title,
  remedy: remedyOf(letter.code, true),
  docs: docsOf(letter.code),
});

async function printAll(
  letters: DeadLetters,
  code: DeadLetter['code'] | null,
  terminal: Terminal,
  line: (letter: DeadLetter) => string,
  most = Infinity,
): Promise<void> {
  let after: Awaited<ReturnType<DeadLetters['list']>>['next'] = null;
  let left = most;
  do {
    const page = await letters.list(code, { after, limit: Math.min(PAGE, left) });
    for (const letter of page.letters) terminal.print(line(letter));
    await terminal.drained();
    left -= page.letters.length;
    after = page.next;
  } while (after !== null && left > 0);
}

async function printByCode(
  letters: DeadLetters,
  counts: readonly DeadLetterCount[],
  isWhole: boolean,
  terminal: Terminal,
): Promise<void> {
  if (counts.length === 0) terminal.print('There are no dead letters.');
  for (const { code, count, deactivated } of counts) {
    const { title } = errorCatalog[code];
    const leftOut = deactivated > 0 ? ` (${deactivated} of people who are deactivated)` : '';
    terminal.print(`${count} ${code}${leftOut}: ${title}\n  ${remedyOf(code, true)} docs/errors.md#${code}`);
    await printAll(letters, code, terminal, lineOf, isWhole ? Infinity : SHOWN);
    if (!isWhole && count > SHOWN) terminal.print(`  … and ${count - SHOWN} more: dead list --code ${code}`);
  }
  const [first] = counts;
  if (first) {
    terminal.print(
      `\ndead explain REQUEST shows the details of one. dead retry REQUEST, or dead retry --code ${first.code}, retries.`,
    );
  }
}

const lineOf = ({ requestId, groupId, username, failedAt, detail }: DeadLetter): string => {
  const about = groupId === null ? shown(username) : `group "${shown(username)}"`;
  return `  ${requestId}  ${failedAt.toISOString()}  ${about}${detail === null ? '' : `: ${detail}`}`;
};
