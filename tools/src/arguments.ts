import { parseArgs } from 'node:util';

export const USAGE = `Runs Foyer with stand-ins for Okta and Box.
  npm start             on ports 3000, 4400, 4500 and 3001, data kept under .data, until Ctrl-C
  npm start -- --once   on free ports with throw-away data: shows the job once and ends
  --verbose             prints every line of every part
  --redis               puts the queue on a Redis server (redis-server must be installed)`;

export interface StartArguments {
  once: boolean;
  verbose: boolean;
  redis: boolean;
  help: boolean;
}

/** @throws TypeError for an argument it does not know */
export function readArguments(args: readonly string[]): StartArguments {
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    args: [...args],
    options: { once: flag, verbose: flag, redis: flag, help: flag },
  });
  return values;
}
