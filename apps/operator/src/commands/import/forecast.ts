import type { ImportForecast } from '@foyer/operations';
import type { BatchForecast, ForecastLine } from '@foyer/shared';
import { OperatorProblem } from '../../command.ts';
import type { Terminal } from '../../terminal.ts';

/** Prints what each line would do. Returns the exit status: 1 when a line would fail. Throws OperatorProblem. */
export async function reportForecast(result: ImportForecast, terminal: Terminal): Promise<number> {
  switch (result.kind) {
    case 'forecast':
      return print(result.forecast, terminal);
    case 'unusable':
      throw new OperatorProblem(`The file cannot be used: ${result.field} ${result.why}.`);
    case 'stopped':
      throw new OperatorProblem(
        'Stopped before the end of the file: nothing was done, and there is no result.',
      );
    case 'held':
      throw new OperatorProblem(result.problem);
    case 'box-failed': {
      const { code, detail } = result.fault;
      throw new OperatorProblem(
        `Box could not be read: ${detail} (docs/errors.md#${code}). Nothing was done.`,
      );
    }
  }
}

async function print({ counts, lines, stopped }: BatchForecast, terminal: Terminal): Promise<number> {
  for (const line of lines) {
    terminal.print(forecastLine(line));
    await terminal.drained();
  }
  if (stopped) terminal.print(`line ${stopped.line} and after: not read: ${stopped.why}`);
  const shown = Object.entries(counts).filter(([what, count]) => count > 0 || what === 'lines');
  terminal.remark(`Nothing was done. ${shown.map(([what, count]) => `${count} ${what}`).join(', ')}.`);
  return counts.refused + counts.failed > 0 || stopped ? 1 : 0;
}

function forecastLine({ line, subject, would, code, detail, errors }: ForecastLine): string {
  const why = [code, errors.map(({ field, message }) => `${field} ${message}`).join('; '), detail];
  const because = why.filter((part) => part !== null && part !== '').join(': ');
  return `line ${line}${subject === null ? '' : ` (${subject})`}: ${would}${because && `: ${because}`}`;
}
