import { acceptBoxApp, describeBoxApp, type Acceptance } from '@foyer/operations';
import { OperatorProblem, type Command } from '../../command.ts';
import type { Terminal } from '../../terminal.ts';
import { CHANGED_MEANWHILE, withBoxApp, settled } from '../../with-box-app.ts';

const MOST_SAMPLED = 1_000_000;
const SHOWN = 10;

export const acceptBoxAppCommand: Command = {
  path: ['box-app', 'accept'],
  summary: 'bind the existing accounts to the configured Box app',
  options: { sample: { type: 'string' } },
  help: { '--sample N': 'check N accounts at Box, chosen at random, instead of all' },
  async run({ terminal, config, stopping, operator }, { sample }) {
    const size = typeof sample === 'string' ? toSize(sample) : null;
    return withBoxApp(config(), async (sources) => {
      const progress = terminal.progress('checking accounts at Box');
      const onProgress = (asked: number, total: number) => progress.update(asked, total);
      const result = await acceptBoxApp(sources, { sample: size, operator, stopping, onProgress });
      progress.end();
      return show(result, terminal);
    });
  },
};

/** Returns the exit status. */
function show(result: Acceptance, terminal: Terminal): number {
  switch (result.kind) {
    case 'settled':
      terminal.print(settled(result.state));
      return 0;
    case 'changed-meanwhile':
      throw new OperatorProblem(CHANGED_MEANWHILE);
    case 'box-failed':
      terminal.print(
        `Box did not answer after ${result.asked} of ${result.total} accounts: ${result.fault.detail}. Nothing was changed.`,
      );
      return 2;
    case 'misfits':
      terminal.print(
        `Refused: ${result.misfits.length} of ${result.asked} checked accounts do not match the configured Box app ` +
          `(${result.total} were to be checked). Nothing was changed.`,
      );
      for (const { account, why } of result.misfits.slice(0, SHOWN))
        terminal.print(`  identity ${account.identityId}: Box user ${account.boxUserId} ${why}`);
      return 1;
    case 'stopped':
      terminal.print(`Stopped after ${result.asked} of ${result.total} accounts. Nothing was changed.`);
      return 2;
    case 'accepted':
      terminal.print(
        `${result.asked} of ${result.of} accounts were checked at Box, and all of them match. ` +
          `The ${result.accounts} accounts now belong to ${describeBoxApp(result.state.configured)}.`,
      );
      return 0;
  }
}

function toSize(text: string): number {
  const size = /^[0-9]{1,7}$/.test(text) ? Number(text) : 0;
  if (size < 1 || size > MOST_SAMPLED)
    throw new OperatorProblem(`--sample must be a whole number from 1 to ${MOST_SAMPLED}.`);
  return size;
}
