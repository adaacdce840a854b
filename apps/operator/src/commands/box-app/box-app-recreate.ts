import { recreateBoxUser, type UserRecreation } from '@foyer/operations';
import { isId } from '@foyer/shared';
import { OperatorProblem, type Command } from '../../command.ts';
import type { Terminal } from '../../terminal.ts';
import { withBoxApp } from '../../with-box-app.ts';

export const recreateBoxUserCommand: Command = {
  path: ['box-app', 'recreate'],
  operands: 'IDENTITY',
  summary: 'create a new Box user for one person whose Box user was deleted',
  options: {},
  help: { IDENTITY: 'the id of the identity, as in GET /v1/identities' },
  async run({ terminal, config, operator }, _values, [id = '', ...more]) {
    if (!isId(id) || more.length > 0)
      throw new OperatorProblem('Give the id of one identity, such as 7d0f6f3a-1c1e-4a53-8f3f-5f7b8d2c4e02.');
    const identityId = id.toLowerCase();
    return withBoxApp(config(), async (sources) =>
      show(identityId, await recreateBoxUser(sources, identityId, operator), terminal),
    );
  },
};

/** Returns the exit status. */
function show(identityId: string, result: UserRecreation, terminal: Terminal): number {
  switch (result.kind) {
    case 'held':
      throw new OperatorProblem(result.problem);
    case 'not-found':
      throw new OperatorProblem(`There is no identity ${identityId} in this tenant.`);
    case 'deactivated':
      throw new OperatorProblem('This person is deactivated: Foyer creates no Box user for them.');
    case 'no-account':
      throw new OperatorProblem(
        'This person has no Box account. Their next sign-in, or a retry, creates one.',
      );
    case 'box-failed':
      throw new OperatorProblem(`Box did not answer: ${result.fault.detail}. Nothing was changed.`);
    case 'changed-meanwhile':
      throw new OperatorProblem('The mapping or the Box app changed in the meantime. Nothing was done.');
    case 'exists':
      terminal.print(
        `Refused: Box shows user ${result.boxUserId}. ` +
          (result.wasMissing
            ? 'The user exists again, and is no longer marked as missing.'
            : 'Nothing was changed.'),
      );
      return 1;
    case 'recreated':
      terminal.print(
        `Box user ${result.boxUserId} is a former one. Request ${result.requestId} creates a new one.`,
      );
      return 0;
  }
}
