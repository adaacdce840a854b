import { createHash } from 'node:crypto';
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
 * The folder `prisma/migrations` nearest upwards, which works for sources, for dist and for an image that keeps the
 * repository's layout.
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
    `no prisma/migrations folder above ${from}; this copy of the project is incomplete`,
  );
}

/** @throws MigrationError when the folder or a migration.sql cannot be read, or there is none */
export async function readMigrations(directory: string): Promise<MigrationFile[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    const names = entries
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .sort();
    if (names.length === 0) throw new Error('the directory has no migrations');
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

/** The SHA-256 in hexadecimal, as the engine records it for applied migrations. */
export const checksumOf = (sql: string): string => createHash('sha256').update(sql).digest('hex');

/** The checksums of a text with LF and with CRLF line ends, because a checkout may have either. */
export function checksumsOf(sql: string): string[] {
  const unix = sql.replaceAll('\r\n', '\n');
  return [checksumOf(unix), checksumOf(unix.replaceAll('\n', '\r\n'))];
}

/** All texts that a migration has had on the main branch, by their checksums. */
export interface Landed {
  readonly current: string;
  /** Texts that were changed after they had landed: a later migration brings their databases to the same schema. */
  readonly superseded: readonly string[];
}

/**
 * Reads the landed migrations from `landed.txt` beside the migrations: a checksum, the migration's name, and
 * `superseded` where the text was changed later. Empty when there is no such file.
 * @throws MigrationError for a malformed line
 */
export async function readLanded(directory: string): Promise<Map<string, Landed>> {
  const file = join(directory, 'landed.txt');
  const text = existsSync(file) ? await readFile(file, 'utf8') : '';
  const landed = new Map<string, Landed>();
  const put = (name: string, change: Partial<Landed>): void => {
    landed.set(name, { current: '', superseded: [], ...landed.get(name), ...change });
  };
  for (const line of text.split(/\r?\n/)) {
    if (line === '' || line.startsWith('#')) continue;
    const [, checksum, name, superseded] = /^([0-9a-f]{64}) {2}(\w+)( {2}superseded)?$/.exec(line) ?? [];
    if (checksum === undefined || name === undefined)
      throw new MigrationError('files', `${file} has a line that is not a checksum and a name: "${line}"`);
    const known = landed.get(name);
    if (superseded === undefined) put(name, { current: checksum });
    else put(name, { superseded: [...(known?.superseded ?? []), checksum] });
  }
  return landed;
}
