import { examine, isHealthy, type CheckResult } from '@foyer/operations';
import type { Command } from '../command.ts';
import { withDoctorSources } from '../doctor-sources.ts';
import { shown, type Terminal } from '../terminal.ts';

export const doctorCommand: Command = {
  path: ['doctor'],
  summary: 'checks everything that Foyer depends on, each part with its remedy',
  options: { json: { type: 'boolean' } },
  help: { '--json': 'print the results as JSON' },
  async run({ terminal, config }, values) {
    const onResult = (result: CheckResult) => {
      if (!values.json) print(result, terminal);
    };
    const results = await withDoctorSources(config(), (sources) => examine(sources, onResult));
    if (values.json) terminal.json(results);
    else if (isHealthy(results)) terminal.print('\nNothing needs attention.');
    return isHealthy(results) ? 0 : 1;
  },
};

const MARKS: Readonly<Record<CheckResult['state'], string>> = {
  ok: 'ok         ',
  warning: 'warning    ',
  failed: 'FAILED     ',
  'not checked': 'not checked',
};

function print({ name, state, detail, remedy }: CheckResult, terminal: Terminal): void {
  terminal.print(`${MARKS[state]}  ${name}: ${shown(detail)}`);
  if (remedy !== null) terminal.print(`             ${remedy}`);
}
