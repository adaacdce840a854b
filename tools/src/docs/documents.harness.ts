import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..', '..');

/** Every file of the project that git has or would add. */
export const projectFiles: readonly string[] = execFileSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard'],
  { cwd: ROOT, encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 },
)
  .split('\n')
  .filter((file) => file !== '' && existsSync(join(ROOT, file)));

export const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

/** Documents that describe the current project. Changelog and decisions describe the past. */
export const documents: readonly string[] = projectFiles.filter(
  (file) => file.endsWith('.md') && !/^(CHANGELOG\.md|docs\/decisions\/)/.test(file),
);

/** The programs' sources, without tests. */
export const sources: readonly string[] = projectFiles.filter(
  (file) => /^(apps|libs)\/.*\.ts$/.test(file) && !/\.(test|harness)\.ts$/.test(file),
);
