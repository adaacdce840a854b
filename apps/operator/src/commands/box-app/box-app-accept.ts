import { describeBoxApp } from '@foyer/persistence';
import { checkAccounts, type AccountCheck } from '@foyer/provisioning';
import { withBoxApp, settled, undecided, type BoxAppContext } from '../../with-box-app.ts';
import { OperatorProblem, type Command } from '../../command.ts';

const MOST_SAMPLED = 1_000_000;
const SHOWN = 10;

export const acceptBoxAppCommand: Command = {
  path: ['box-app', 'accept'],
  summary: 'bind the existing accounts to the configured Box app',
  options: { sample: { type: 'string' } },
  help: { '--sample N': 'check N accounts at Box, chosen at random, instead of all' },
  async run({ terminal, config, stopping, operator }, { sample }) {
    const size = typeof sample === 'string' ? toSize(sample) : null;
    return withBoxApp(config(), async (context) => {
      const state = await context.boxApp.read();
      const bound = undecided(state);
      if (bound === null) {
        terminal.print(settled(state));
        return 0;
      }
      const { accounts, missing } = await context.moves.counts();
      const total = Math.min(size ?? Infinity, accounts - missing);
      const progress = terminal.progress('checking accounts at Box');
      const check = await checkAccounts(context.box, chosen(context, size), {
        stopping,
        onProgress: (asked) => progress.update(asked, total),
      });
      progress.end();
      const refusal = refusalOf(check, total);
      if (refusal !== null) {
        terminal.print(refusal.says);
        for (const { account, why } of check.misfits.slice(0, SHOWN))
          terminal.print(`  identity ${account.identityId}: Box user ${account.boxUserId} ${why}`);
        return refusal.status;
      }
      const done = await context.moves.accept(bound, state.configured, operator, {
        asked: check.asked,
        of: accounts,
      });
      if (done.kind === 'changed-meanwhile')
        throw new OperatorProblem(
          'Another operator decided in the meantime. Nothing was done. Check the state again: box-app',
        );
      terminal.print(
        `${check.asked} of ${accounts} accounts were checked at Box, and all of them match. ` +
          `The ${done.accounts} accounts now belong to ${describeBoxApp(state.configured)}.`,
      );
      return 0;
    });
  },
};

async function* chosen({ accounts }: BoxAppContext, size: number | null) {
  if (size === null) yield* accounts.all();
  else yield* await accounts.sample(size);
}

function refusalOf(
  { asked, misfits, isComplete, fault }: AccountCheck,
  total: number,
): { status: number; says: string } | null {
  if (fault !== null)
    return {
      status: 2,
      says: `Box did not answer after ${asked} of ${total} accounts: ${fault.detail}. Nothing was changed.`,
    };
  if (misfits.length > 0)
    return {
      status: 1,
      says:
        `Refused: ${misfits.length} of ${asked} checked accounts do not match the configured Box app ` +
        `(${total} were to be checked). Nothing was changed.`,
    };
  return isComplete
    ? null
    : { status: 2, says: `Stopped after ${asked} of ${total} accounts. Nothing was changed.` };
}

function toSize(text: string): number {
  const size = /^[0-9]{1,7}$/.test(text) ? Number(text) : 0;
  if (size < 1 || size > MOST_SAMPLED)
    throw new OperatorProblem(`--sample must be a whole number from 1 to ${MOST_SAMPLED}.`);
  return size;
}
