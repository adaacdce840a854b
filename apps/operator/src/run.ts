import { parseArgs } from 'node:util';
import { toLine } from '@foyer/shared';
import { ConfigError, readOperatorConfig, type Environment } from '@foyer/platform';
import { OperatorProblem, type Command } from './command.ts';
import { takeEnvFile } from './env-file.ts';
import { operatorName } from './operator-name.ts';
import { type Terminal } from './terminal.ts';
import { version } from './version.ts';

const NEEDS_MENDING = 2;

interface Invocation {
  readonly args: readonly string[];
  readonly commands: readonly Command[];
  readonly terminal: Terminal;
  readonly stopping: AbortSignal;
  /** Default: the process's standard input. */
  readonly input?: AsyncIterable<Uint8Array>;
  /** Default: the process's own environment. */
  readonly environment?: Environment;
  /**
   * Adds the variables of this file to the process's environment, which takes precedence; undefined means the default
   * file.
   */
  readonly loadEnvFile?: (file: string | undefined) => void;
}

/** Runs the command that the arguments name. Returns the exit status; each problem is reported in one sentence. */
export async function run(invocation: Invocation): Promise<number> {
  try {
    return await runCommand(invocation);
  } catch (error) {
    invocation.terminal.remark(`foyer: ${sentence(error)}`);
    return NEEDS_MENDING;
  }
}

async function runCommand({
  args: given,
  commands,
  terminal,
  stopping,
  input = process.stdin,
  environment,
  loadEnvFile,
}: Invocation): Promise<number> {
  const { rest: args, file } = takeEnvFile(given);
  const command = commands.find(({ path }) => path.every((word, at) => args[at] === word));
  if (!command) return helpOrRefuse(args, commands, terminal);
  const { values, positionals } = parseArgs({
    args: args.slice(command.path.length),
    options: {
      ...command.options,
      tenant: { type: 'string' },
      as: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
    allowPositionals: command.operands !== undefined,
  });
  if (values.help) {
    terminal.print(usageOf(command));
    return 0;
  }
  loadEnvFile?.(file);
  const tenant = typeof values.tenant === 'string' ? values.tenant : undefined;
  const config = () => readOperatorConfig(environment, tenant);
  const operator = operatorName(typeof values.as === 'string' ? values.as : undefined);
  const setting = {
    terminal,
    config,
    environment,
    stopping,
    operator,
    input,
  };
  return command.run(setting, values, positionals);
}

const isHelp = (word: string | undefined): boolean => ['--help', '-h', 'help'].includes(word ?? '');

/**
 * Handles arguments that name no command: help, help on a group such as `dead`, the version; anything else is refused.
 */
function helpOrRefuse(args: readonly string[], commands: readonly Command[], terminal: Terminal): number {
  const [first, second] = args;
  if (first === '--version') {
    terminal.print(`foyer ${version}, Node.js ${process.versions.node}`);
    return 0;
  }
  if (first === undefined || isHelp(first)) {
    terminal.print(usage(commands));
    return 0;
  }
  const group = commands.filter(({ path }) => path.length > 1 && path[0] === first);
  if (group.length > 0 && isHelp(second)) {
    terminal.print(usage(group));
    return 0;
  }
  terminal.remark(`foyer: there is no command "${toLine(args.join(' '), 100)}".\n`);
  terminal.remark(usage(group.length > 0 ? group : commands));
  return NEEDS_MENDING;
}

const usageLine = ({ path, operands = '' }: Command): string => `${path.join(' ')} ${operands}`.trim();

function usage(commands: readonly Command[]): string {
  const width = Math.max(...commands.map((command) => usageLine(command).length)) + 2;
  const lines = commands.map((command) => `  ${usageLine(command).padEnd(width)}${command.summary}`);
  return `npm run foyer -- COMMAND [--tenant T] [--as NAME] [--env-file FILE]\n\n${lines.join('\n')}\n\nCOMMAND --help shows the options of a command.`;
}

function usageOf(command: Command): string {
  const help = {
    ...command.help,
    '--tenant T': 'use this tenant instead of FOYER_TENANT',
    '--as NAME': 'the name of the operator for the audit log, which also records the account on this machine',
    '--env-file FILE': 'file with variables that the environment does not set; the default is .env',
  };
  const lines = Object.entries(help).map(([option, what]) => `  ${option.padEnd(20)}${what}`);
  return `npm run foyer -- ${usageLine(command)}\n${command.summary}\n\n${lines.join('\n')}`;
}

/** The error as a text for operators, without a stack and without an address that holds a password. */
function sentence(error: unknown): string {
  if (error instanceof OperatorProblem || error instanceof ConfigError) return error.message;
  if (error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'))
    return `${error.message}`;
  if (error instanceof AggregateError) return sentence(error.errors[0]);
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (code === 'ENOENT' && 'path' in error) return `The file "${String(error.path)}" does not exist.`;
  if (
    /^(ECONN|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|28|3D|57)/.test(code) ||
    isNoConnection.test(error.message)
  )
    return `The database of DATABASE_URL cannot be used: ${error.message}. Check DATABASE_URL, and that PostgreSQL runs.`;
  return error.message;
}

/** The messages of the driver and its pool, which have no code, when the server does not answer. */
const isNoConnection =
  /P1001|connection timeout|timeout exceeded when trying to connect|Connection terminated/i;
