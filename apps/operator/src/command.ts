import type { ParseArgsOptionsConfig } from 'node:util';
import type { Environment, OperatorConfig } from '@foyer/platform';
import type { Terminal } from './terminal.ts';

/** What a command works with. `config` is read on first use, because --help needs none. */
export interface Setting {
  readonly terminal: Terminal;
  readonly config: () => OperatorConfig;
  /** The variables; undefined: the process's own. */
  readonly environment: Environment | undefined;
  /** Aborted by Ctrl-C: the command ends between two steps and keeps what is done. */
  readonly stopping: AbortSignal;
  /** The operator's name for the audit log. */
  readonly operator: string;
  /** The command's standard input. */
  readonly input: AsyncIterable<Uint8Array>;
}

export type Values = Readonly<Record<string, string | boolean | undefined>>;

/**
 * One command of `npm run foyer`. `path` is its name, such as ['audit', 'verify']; `operands` describes its operands in
 * the usage line. `run` returns the exit status: 0 when all is well, 1 when a person has to act, 2 when the command
 * could not find out.
 */
export interface Command {
  readonly path: readonly string[];
  readonly operands?: string;
  readonly summary: string;
  readonly options: ParseArgsOptionsConfig;
  /** A line for each option, in the displayed order. */
  readonly help: Readonly<Record<string, string>>;
  run(setting: Setting, values: Values, operands: readonly string[]): Promise<number>;
}

/** A problem that the operator has to fix, shown in one sentence, with status 2. */
export class OperatorProblem extends Error {
  override readonly name = 'OperatorProblem';
}
