import { parseArgs } from 'node:util';
import { StackProblem } from './problem.ts';

export const USAGE = `Runs Foyer with stand-ins for Okta and Box.
  npm start             on ports 3000, 4400, 4500 and 3001, data kept under .data, until Ctrl-C
  npm start -- --once   on free ports with throw-away data: shows the job once and ends
  --port N              the gateway on port N, the provisioner on N + 1, the twins on N + 1400 and N + 1500
  --verbose             prints every line of every part
  --redis               puts the queue on a Redis server (redis-server must be installed)`;

export interface StartArguments {
  once: boolean;
  verbose: boolean;
  redis: boolean;
  help: boolean;
  /** The gateway's port; the other ports are derived from it. */
  port: number | undefined;
}

/** The Box twin has the highest port. */
const HIGHEST = 65_535 - 1_500;

/**
 * @throws TypeError for an argument that is not known
 * @throws StackProblem for a port that is out of range, or that --once would not use
 */
export function readArguments(args: readonly string[]): StartArguments {
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    args: [...args],
    options: { once: flag, verbose: flag, redis: flag, help: flag, port: { type: 'string' } },
  });
  const { port, ...flags } = values;
  if (port === undefined) return { ...flags, port };
  if (!/^[1-9]\d{0,4}$/.test(port) || Number(port) < 1_024 || Number(port) > HIGHEST)
    throw new StackProblem(
      `--port is "${port}", but must be a whole number from 1024 to ${HIGHEST}`,
      'for example: npm start -- --port 3100',
    );
  if (flags.once) throw new StackProblem('--once uses free ports', 'use only one of --once and --port');
  return { ...flags, port: Number(port) };
}
