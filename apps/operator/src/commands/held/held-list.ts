import { listHeldSignIns } from '@foyer/operations';
import type { HeldSignIn } from '@foyer/persistence';
import { toLine } from '@foyer/shared';
import type { Command } from '../../command.ts';
import { withTenant } from '../../tenancy.ts';

export const listHeldCommand: Command = {
  path: ['held', 'list'],
  summary: 'list sign-ins on hold: a deactivated person has the same user name',
  options: { json: { type: 'boolean' } },
  help: { '--json': 'print the result as JSON' },
  async run({ terminal, config }, { json }) {
    return withTenant(config(), async (sources) => {
      const held = await listHeldSignIns(sources);
      if (json) terminal.json(held);
      else if (held.length === 0) terminal.print('No sign-in is on hold.');
      else for (const each of held) terminal.print(lineOf(each));
      return 0;
    });
  },
};

const lineOf = ({ subject, username, name, attempts, lastAt, identityId, releasedBy }: HeldSignIn): string =>
  [
    `${toLine(subject, 255)}  ${toLine(username, 255)} (${toLine(name, 100)})`,
    `${attempts} times, last ${lastAt.toISOString()}`,
    `user name of ${identityId}`,
    releasedBy === null ? 'on hold' : `released by ${toLine(releasedBy, 100)}`,
  ].join('; ');
