import { createScimToken, isScimTokenLife, isScimTokenName, scimTokenDays } from '@foyer/operations';
import { OperatorProblem, type Command } from '../../command.ts';
import { withTenant } from '../../tenancy.ts';

export const createScimTokenCommand: Command = {
  path: ['scim-token', 'create'],
  summary: 'create a token for Okta’s SCIM client; the token is shown only once',
  options: { name: { type: 'string' }, days: { type: 'string' } },
  help: {
    '--name NAME': 'the name of the token here, in the audit log and in metrics',
    '--days N': `days until it expires, 1 to ${scimTokenDays.most}; the default is ${scimTokenDays.usual}`,
  },
  async run({ terminal, config, operator }, values) {
    const name = nameOption(values.name);
    const days = daysOption(values.days);
    return withTenant(config(), async (sources) => {
      const created = await createScimToken(sources, { name, days }, operator);
      if (created === null) {
        throw new OperatorProblem(
          `An active token "${name}" already exists. To replace it, create one with another name, enter that in Okta, ` +
            `then: scim-token revoke ${name}`,
        );
      }
      terminal.print(created.token);
      terminal.remark(
        `Token ${name} is valid until ${created.made.expiresAt.toISOString()}. Foyer does not store it: copy it now.`,
      );
      return 0;
    });
  },
};

function nameOption(name: string | boolean | undefined): string {
  if (typeof name !== 'string' || !isScimTokenName(name)) {
    throw new OperatorProblem(
      '--name must be 1 to 63 letters, digits, dots, dashes and underscores, beginning with a letter or a digit, and not an id. ' +
        'Example: --name okta-2027',
    );
  }
  return name;
}

function daysOption(text: string | boolean | undefined): number {
  if (text === undefined) return scimTokenDays.usual;
  const days = typeof text === 'string' && /^[0-9]{1,3}$/.test(text) ? Number(text) : 0;
  if (!isScimTokenLife(days))
    throw new OperatorProblem(`--days must be a whole number from 1 to ${scimTokenDays.most}.`);
  return days;
}
