import { boxAppProblem } from '@foyer/persistence';
import { isId, type Identity } from '@foyer/shared';
import { withBoxApp, type BoxAppContext } from '../../with-box-app.ts';
import { OperatorProblem, type Command } from '../../command.ts';

export const recreateBoxUserCommand: Command = {
  path: ['box-app', 'recreate'],
  operands: 'IDENTITY',
  summary: 'create a new Box user for one person whose Box user was deleted',
  options: {},
  help: { IDENTITY: 'the id of the identity, as in GET /v1/identities' },
  async run({ terminal, config, operator }, _values, [id = '', ...more]) {
    if (!isId(id) || more.length > 0)
      throw new OperatorProblem('Give the id of one identity, such as 7d0f6f3a-1c1e-4a53-8f3f-5f7b8d2c4e02.');
    return withBoxApp(config(), async (context) => {
      const account = await recreatable(context, id.toLowerCase());
      const read = await context.box.readUser(
        { requestId: null, identityId: account.identityId, lease: null },
        account.boxUserId,
      );
      if (!read.ok)
        throw new OperatorProblem(`Box did not answer: ${read.fault.detail}. Nothing was changed.`);
      if (read.value !== null) {
        const isNews = await context.accounts.clearMissing(account.identityId, account.boxUserId);
        terminal.print(
          `Refused: Box shows user ${account.boxUserId}. ` +
            (isNews ? 'The user exists again, and is no longer marked as missing.' : 'Nothing was changed.'),
        );
        return 1;
      }
      const done = await context.moves.recreate(account, context.boxApp.configured, operator);
      if (done.kind === 'changed-meanwhile')
        throw new OperatorProblem('The mapping or the Box app changed in the meantime. Nothing was done.');
      terminal.print(
        `Box user ${account.boxUserId} is a former one. Request ${done.requestId} creates a new one.`,
      );
      return 0;
    });
  },
};

async function recreatable({ boxApp, identities }: BoxAppContext, id: string) {
  const problem = boxAppProblem(await boxApp.read());
  if (problem !== null) throw new OperatorProblem(problem);
  const identity: Identity | null = await identities.find(id);
  if (identity === null) throw new OperatorProblem(`There is no identity ${id} in this tenant.`);
  if (!identity.active)
    throw new OperatorProblem('This person is deactivated: Foyer creates no Box user for them.');
  if (identity.boxAccount === null)
    throw new OperatorProblem('This person has no Box account. Their next sign-in, or a retry, creates one.');
  return { identityId: id, boxUserId: identity.boxAccount.boxUserId };
}
