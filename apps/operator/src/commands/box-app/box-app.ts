import { readBoxApp } from '@foyer/operations';
import { withBoxApp, standing } from '../../with-box-app.ts';
import type { Command } from '../../command.ts';

export const boxAppCommand: Command = {
  path: ['box-app'],
  summary: 'show which Box app the accounts belong to',
  options: { json: { type: 'boolean' } },
  help: { '--json': 'print the result as JSON' },
  async run({ terminal, config }, { json }) {
    return withBoxApp(config(), async (sources) => {
      const state = await readBoxApp(sources);
      if (json) terminal.json(state);
      else {
        for (const line of standing(state)) terminal.print(line);
        terminal.print(`accounts:   ${state.accounts}, of which ${state.missing} are missing in Box`);
        terminal.print(`former:     ${state.former} accounts`);
        terminal.print(`waiting:    ${state.openRequests} requests`);
      }
      if (!state.differs) return 0;
      terminal.remark(
        'Provisioning has stopped. Restore the former BOX_ variables; or, to switch to the configured app:\n' +
          '  npm run foyer -- box-app accept     if it sees the same Box users\n' +
          '  npm run foyer -- box-app migrate    to create new Box users for all people in it',
      );
      return 1;
    });
  },
};
