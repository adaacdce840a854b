import {
  countDeadLetters,
  deadLetterPages,
  type ExplainedCount,
  type ExplainedDeadLetter,
  type TenantSources,
} from '@foyer/operations';
import type { ErrorCode } from '@foyer/shared';
import type { Command } from '../../command.ts';
import { codeOption } from '../../dead-letter-options.ts';
import { withTenant } from '../../tenancy.ts';
import { shown, type Terminal } from '../../terminal.ts';

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
    return withTenant(config(), async (sources) => {
      const counts = await countDeadLetters(sources, code);
      if (values.json) await printAll(sources, code, terminal, (letter) => JSON.stringify(letter));
      else await printByCode(sources, counts, code !== null, terminal);
      return counts.length === 0 ? 0 : 1;
    });
  },
};

async function printAll(
  sources: TenantSources,
  code: ErrorCode | null,
  terminal: Terminal,
  line: (letter: ExplainedDeadLetter) => string,
  most?: number,
): Promise<void> {
  for await (const letters of deadLetterPages(sources, code, most)) {
    for (const letter of letters) terminal.print(line(letter));
    await terminal.drained();
  }
}

async function printByCode(
  sources: TenantSources,
  counts: readonly ExplainedCount[],
  isWhole: boolean,
  terminal: Terminal,
): Promise<void> {
  if (counts.length === 0) terminal.print('There are no dead letters.');
  for (const { code, count, deactivated, title, remedy } of counts) {
    const leftOut = deactivated > 0 ? ` (${deactivated} of people who are deactivated)` : '';
    terminal.print(`${count} ${code}${leftOut}: ${title}\n  ${remedy} docs/errors.md#${code}`);
    await printAll(sources, code, terminal, lineOf, isWhole ? undefined : SHOWN);
    if (!isWhole && count > SHOWN) terminal.print(`  … and ${count - SHOWN} more: dead list --code ${code}`);
  }
  const [first] = counts;
  if (first) {
    terminal.print(
      `\ndead explain REQUEST shows the details of one. dead retry REQUEST, or dead retry --code ${first.code}, retries.`,
    );
  }
}

const lineOf = ({ requestId, groupId, username, failedAt, detail }: ExplainedDeadLetter): string => {
  const about = groupId === null ? shown(username) : `group "${shown(username)}"`;
  return `  ${requestId}  ${failedAt.toISOString()}  ${about}${detail === null ? '' : `: ${detail}`}`;
};
