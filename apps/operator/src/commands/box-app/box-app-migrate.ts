import { migrateBoxApp, describeBoxApp, planBoxAppMigration } from '@foyer/operations';
import { CHANGED_MEANWHILE, withBoxApp, settled, standing } from '../../with-box-app.ts';
import { OperatorProblem, type Command } from '../../command.ts';

export const migrateBoxAppCommand: Command = {
  path: ['box-app', 'migrate'],
  summary: 'create new Box users for all people in the configured Box app',
  options: { yes: { type: 'boolean' } },
  help: { '--yes': 'do it; without it, the command only shows what it would do' },
  async run({ terminal, config, operator }, { yes }) {
    return withBoxApp(config(), async (sources) => {
      const plan = await planBoxAppMigration(sources);
      if (plan.kind === 'settled') {
        terminal.print(settled(plan.state));
        return 0;
      }
      for (const line of standing(plan.state)) terminal.print(line);
      terminal.print(
        `${plan.accounts} accounts become former ones; ${plan.activeIdentities} active people get a new, empty Box user. ` +
          'Content stays with the old Box users, under the old app. Foyer does not move content.',
      );
      if (!yes) {
        terminal.print('Nothing was changed. To do it: npm run foyer -- box-app migrate --yes');
        return 0;
      }
      const done = await migrateBoxApp(sources, plan, operator);
      if (done.kind === 'changed-meanwhile') throw new OperatorProblem(CHANGED_MEANWHILE);
      terminal.print(
        `Done: ${done.moved} accounts are former ones, ${done.requested} requests were created for ` +
          `${describeBoxApp(plan.state.configured)}. Start the provisioners with this Box app, if they do not use it yet.`,
      );
      return 0;
    });
  },
};
