import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { MigrationError } from './error.ts';

/** One migration on disk: the folder's name and its SQL. */
export interface MigrationFile {
  name: string;
  sql: string;
}

/**
 * Where the migrations are: `prisma/migrations` in the nearest folder upwards, which is right for sources, for dist and
 * for an image that keeps the repository's layout.
 * @throws MigrationError when there is none
 */
export function migrationsDirectory(from: string = import.meta.dirname): string {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const candidate = join(folder, 'prisma', 'migrations');
    if (existsSync(candidate)) return candidate;
    if (folder === dirname(folder)) break;
  }
  throw new MigrationError(
    'files',
    `no prisma/migrations folder above ${from}; the copy of the project is not whole`,
  );
}

/** The names of the migrations on disk, in the order they apply. */
export async function migrationNames(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

/** @throws MigrationError when the folder or a migration.sql cannot be read, or there is none */
export async function readMigrations(directory: string): Promise<MigrationFile[]> {
  try {
    const names = await migrationNames(directory);
    if (names.length === 0) throw new Error('it holds no migrations');
    return await Promise.all(
      names.map(async (name) => ({
        name,
        sql: await readFile(join(directory, name, 'migration.sql'), 'utf8'),
      })),
    );
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new MigrationError('files', `the migrations in ${directory} cannot be read: ${why}`, error);
  }
}
