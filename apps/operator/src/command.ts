import type { ParseArgsOptionsConfig } from 'node:util';
import type { OperatorConfig } from '@foyer/platform';
import type { Terminal } from './terminal.ts';

/** What a command has to work with. `config` is read when first asked for: --help needs none. */
export interface Setting {
  readonly terminal: Terminal;
  readonly config: () => OperatorConfig;
  /** Aborted by Ctrl-C: end between two steps, keep what is done. */
  readonly stopping: AbortSignal;
  /** Who gives it, as the audit log has it. */
  readonly operator: string;
  /** What is sent to the command. */
  readonly input: AsyncIterable<Uint8Array>;
}

export type Values = Readonly<Record<string, string | boolean | undefined>>;

/**
 * One command of `npm run foyer`. `path` is how it is called, such as ['audit', 'verify']; `operands` what may follow, for
 * the usage line. `run` gives the exit status: 0 all good, 1 something needs a person, 2 it could not be found out.
 */
export interface Command {
  readonly path: readonly string[];
  readonly operands?: string;
  readonly summary: string;
  readonly options: ParseArgsOptionsConfig;
  /** A line for each option, in the order shown. */
  readonly help: Readonly<Record<string, string>>;
  run(setting: Setting, values: Values, operands: readonly string[]): Promise<number>;
}

/** What the operator has to mend: told in one sentence, with status 2. */
export class OperatorProblem extends Error {
  override readonly name = 'OperatorProblem';
}
