import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { mutate, type SourceMutant } from './mutant.ts';

export const ROOT = join(import.meta.dirname, '..', '..', '..', '..');

export const sourceOf = ({ file }: SourceMutant): string => readFileSync(join(ROOT, file), 'utf8');

/** From now on the file is loaded without the guard. Returns a function that reports whether it was loaded. */
export function installMutant(mutant: SourceMutant): () => boolean {
  const changed = mutate(sourceOf(mutant), mutant);
  const mutated = pathToFileURL(join(ROOT, mutant.file)).href;
  let isLoaded = false;
  registerHooks({
    load(url, context, nextLoad) {
      if (url !== mutated) return nextLoad(url, context);
      isLoaded = true;
      return { format: 'module-typescript', source: changed, shortCircuit: true };
    },
  });
  return () => isLoaded;
}
