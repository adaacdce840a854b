import { checkSettings } from '@foyer/operations';
import type { Command } from '../command.ts';

export const settingsCommand: Command = {
  path: ['settings'],
  summary: 'checks the variables of gateway and provisioner, without opening or calling anything',
  options: { compose: { type: 'boolean' }, json: { type: 'boolean' } },
  help: {
    '--compose': 'also those of docker-compose.yml alone, such as POSTGRES_PASSWORD',
    '--json': 'the faults as JSON',
  },
  run({ terminal, environment }, { compose, json }) {
    const { isComplete, faults } = checkSettings({ environment, compose: compose === true });
    if (json) terminal.json(faults);
    else if (isComplete) terminal.print('Every variable is set and well-formed.');
    else {
      terminal.print('The configuration is not complete:');
      for (const fault of faults) terminal.print(`  ${fault}`);
    }
    return Promise.resolve(isComplete ? 0 : 1);
  },
};
