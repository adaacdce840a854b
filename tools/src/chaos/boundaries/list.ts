import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Coverage } from '../coverage.ts';

const FILE = join(import.meta.dirname, '..', '..', '..', 'chaos', 'boundaries.txt');

/** The listed boundaries, in order; empty before the first `--update`. */
export async function listedBoundaries(): Promise<string[]> {
  const text = await readFile(FILE, 'utf8').catch(() => '');
  return text.split('\n').filter((line) => line !== '');
}

export async function writeBoundaries(boundaries: readonly string[]): Promise<void> {
  await writeFile(FILE, `${boundaries.join('\n')}\n`);
}

/** What fails a long run: boundaries that are not listed, and listed ones at which no kill happened. */
export function gaps(
  listed: readonly string[],
  { boundaries }: Coverage,
): { readonly unlisted: string[]; readonly unmet: string[] } {
  const known = new Set(listed);
  return {
    unlisted: [...boundaries.keys()].filter((boundary) => !known.has(boundary)),
    unmet: listed.filter((boundary) => !boundaries.get(boundary)?.killed),
  };
}
