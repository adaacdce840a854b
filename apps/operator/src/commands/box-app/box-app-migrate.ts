import { describeBoxApp } from '@foyer/persistence';
import { withBoxApp, settled, standing, undecided } from '../../with-box-app.ts';
import { OperatorProblem, type Command } from '../../command.ts';

export const migrateBoxAppCommand: Command = {
  path: ['box-app', 'migrate'],
  summary: 'create new Box users for all people in the configured Box app',
  options: { yes: { type: 'boolean' } },
  help: { '--yes': 'do it; without it, the command only shows what it would do' },
  async run({ terminal, config, operator }, { yes }) {
    return withBoxApp(config(), async ({ boxApp, moves }) => {
      const state = await boxApp.read();
      const bound = undecided(state);
      if (bound === null) {
        terminal.print(settled(state));
        return 0;
      }
      const { accounts, activeIdentities } = await moves.counts();
      for (const line of standing(state)) terminal.print(line);
      terminal.print(
        `${accounts} accounts become former ones; ${activeIdentities} active people get a new, empty Box user. ` +
          'Content stays with the old Box users, under the old app. Foyer does not move content.',
      );
      if (!yes) {
        terminal.print('Nothing was changed. To do it: npm run foyer -- box-app migrate --yes');
        return 0;
      }
      const done = await moves.migrate(bound, state.configured, operator);
      if (done.kind === 'changed-meanwhile')
        throw new OperatorProblem(
          'Another operator decided in the meantime. Nothing was done. Check the state again: box-app',
        );
      terminal.print(
        `Done: ${done.moved} accounts are former ones, ${done.requested} requests were created for ` +
          `${describeBoxApp(state.configured)}. Start the provisioners with this Box app, if they do not use it yet.`,
      );
      return 0;
    });
  },
};
