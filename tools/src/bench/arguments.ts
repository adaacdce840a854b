import { parseArgs } from 'node:util';
import { messageOf } from '../problem.ts';
import { type Measurement, type Scale } from './figure.ts';

export interface BenchArguments {
  readonly chosen: readonly Measurement[];
  readonly scale: Scale;
  readonly list: boolean;
  /** Instead of figures: what each operation costs. */
  readonly statements: boolean;
}

/** Invalid arguments; the message explains them in one sentence. */
export class BadArguments extends Error {}

/**
 * Reads `--only NAME,NAME`, `--small`, `--list` and `--statements`. Without `--only` all figures are chosen, in the catalog's order.
 * @throws BadArguments for an option or a name that is not known, for an `--only` without names, and for both `--only` and
 * `--statements`
 */
export function readBenchArguments(args: readonly string[], catalog: readonly Measurement[]): BenchArguments {
  const { only, small, list, statements } = parse(args);
  const scale = small ? 'small' : 'full';
  if (only === undefined) return { chosen: catalog, scale, list, statements };
  if (statements) throw new BadArguments('--statements lists every operation: leave --only out.');
  const names = only.split(',').map((name) => name.trim());
  const unknown = names.filter((name) => !catalog.some((one) => one.name === name));
  if (unknown.length > 0) {
    const known = catalog.map(({ name }) => name).join(', ');
    throw new BadArguments(`There is no figure called ${JSON.stringify(unknown[0])}; there are: ${known}.`);
  }
  return { chosen: catalog.filter(({ name }) => names.includes(name)), scale, list, statements };
}

function parse(
  args: readonly string[],
): Pick<BenchArguments, 'list' | 'statements'> & { only?: string; small: boolean } {
  const flag = { type: 'boolean', default: false } as const;
  try {
    return parseArgs({
      args: [...args],
      options: { only: { type: 'string' }, small: flag, list: flag, statements: flag },
    }).values;
  } catch (error) {
    throw new BadArguments(messageOf(error).split('\n')[0]);
  }
}
