import { releaseHeldSignIn } from '@foyer/operations';
import { toLine } from '@foyer/shared';
import { OperatorProblem, type Command } from '../../command.ts';
import { withTenant } from '../../tenancy.ts';

export const releaseHeldCommand: Command = {
  path: ['held', 'release'],
  operands: 'SUBJECT',
  summary: 'release a sign-in on hold, as a separate person',
  options: {},
  help: {},
  async run({ terminal, config, operator }, _values, operands) {
    const [subject] = operands;
    if (operands.length !== 1 || subject === undefined || subject === '')
      throw new OperatorProblem('held release takes one subject, as held list shows it.');
    return withTenant(config(), async (sources) => {
      const released = await releaseHeldSignIn(sources, subject, operator);
      if (released === null)
        throw new OperatorProblem(`No sign-in of the subject "${toLine(subject, 255)}" was on hold.`);
      terminal.print(
        `${toLine(released.username, 255)} (${toLine(subject, 255)}) may sign in, as a different person than ${released.identityId}.`,
      );
      return 0;
    });
  },
};
