import { listScimTokens } from '@foyer/operations';
import type { ScimToken } from '@foyer/persistence';
import type { Command } from '../../command.ts';
import { table } from '../../table.ts';
import { withTenant } from '../../tenancy.ts';

export const listScimTokensCommand: Command = {
  path: ['scim-token', 'list'],
  summary: 'list the tokens of SCIM clients: when they expire, when they were last used',
  options: { json: { type: 'boolean' } },
  help: { '--json': 'print the result as JSON' },
  async run({ terminal, config }, { json }) {
    return withTenant(config(), async (sources) => {
      const tokens = await listScimTokens(sources);
      if (json) terminal.json(tokens);
      else if (tokens.length === 0) terminal.print('There are no SCIM tokens.');
      else for (const line of table([heads, ...tokens.map(cells)])) terminal.print(line);
      return 0;
    });
  },
};

const heads = ['NAME', 'ENDS IN', 'STATE', 'CREATED', 'EXPIRES', 'LAST USED', 'REVOKED', 'ID'];

const cells = (token: ScimToken): string[] => [
  token.name,
  `…${token.hint}`,
  token.state,
  minuteOf(token.createdAt),
  minuteOf(token.expiresAt),
  token.lastUsedAt === null ? 'never' : minuteOf(token.lastUsedAt),
  token.revokedAt === null ? '-' : minuteOf(token.revokedAt),
  token.id,
];

const minuteOf = (time: Date): string => `${time.toISOString().slice(0, 16)}Z`;
