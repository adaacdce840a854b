import { revokeScimToken } from '@foyer/operations';
import { toLine } from '@foyer/shared';
import { OperatorProblem, type Command } from '../../command.ts';
import { withTenant } from '../../tenancy.ts';

export const revokeScimTokenCommand: Command = {
  path: ['scim-token', 'revoke'],
  operands: 'NAME|ID',
  summary: 'revoke a SCIM token: the next call with it is refused',
  options: {},
  help: {},
  async run({ terminal, config, operator }, _values, operands) {
    const [which] = operands;
    if (operands.length !== 1 || which === undefined || which === '')
      throw new OperatorProblem('scim-token revoke takes one name or id, as scim-token list shows it.');
    return withTenant(config(), async (sources) => {
      const revoked = await revokeScimToken(sources, which, operator);
      if (revoked === null)
        throw new OperatorProblem(`There is no SCIM token "${toLine(which, 100)}" in this tenant.`);
      const { token, isNew } = revoked;
      terminal.print(
        isNew
          ? `Token ${token.name} (…${token.hint}) is revoked.`
          : `Token ${token.name} (…${token.hint}) was revoked at ${token.revokedAt!.toISOString()}: nothing was done.`,
      );
      return 0;
    });
  },
};
