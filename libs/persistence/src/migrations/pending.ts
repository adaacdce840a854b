import { codeOf } from './database.ts';
import { checksumsOf, migrationsDirectory, readLanded, readMigrations } from './files.ts';

/** Anything that can run a query: a pg.Pool, a pg.Client, or an object of the same shape. */
export interface Queryable {
  query(sql: string): Promise<{ rows: unknown[] }>;
}

export interface MigrationState {
  /** Whether this database has any migration at all. */
  migrated: boolean;
  /** On disk and not finished in this database, in order. */
  pending: string[];
  /** Begun in this database and not finished. */
  failed: string[];
  /** Applied to this database from another text than the one on disk. */
  changed: string[];
  /** Applied to this database and not on disk: another version of Foyer applied them. */
  unknown: string[];
}

const UNDEFINED_TABLE = '42P01';

/**
 * The state of this database's migrations compared with those on disk: one SELECT and the files, so it suits a
 * readiness check.
 * @param directory where the migrations are; default `migrationsDirectory()`
 * @throws what the database throws, except when it has no migrations table yet: then all are pending
 */
export async function pendingMigrations(
  database: Queryable,
  directory: string = migrationsDirectory(),
): Promise<MigrationState> {
  const [files, landed, rows] = await Promise.all([
    readMigrations(directory),
    readLanded(directory),
    recorded(database),
  ]);
  const finished = new Map(rows.filter((row) => row.finished).map((row) => [row.name, row.checksum]));
  const failed = rows.filter((row) => !row.finished && !finished.has(row.name)).map((row) => row.name);
  const isChanged = ({ name, sql }: { name: string; sql: string }): boolean => {
    const applied = finished.get(name);
    const good = [...checksumsOf(sql), ...(landed.get(name)?.superseded ?? [])];
    return applied !== undefined && !good.includes(applied);
  };
  const onDisk = new Set(files.map(({ name }) => name));
  return {
    migrated: finished.size > 0,
    pending: files.map(({ name }) => name).filter((name) => !finished.has(name)),
    failed,
    changed: files.filter(isChanged).map(({ name }) => name),
    unknown: [...finished.keys()].filter((name) => !onDisk.has(name)).sort(),
  };
}

interface Recorded {
  name: string;
  checksum: string;
  finished: boolean;
}

async function recorded(database: Queryable): Promise<Recorded[]> {
  try {
    const answer = await database.query(
      'SELECT migration_name AS name, checksum, finished_at IS NOT NULL AS finished FROM _prisma_migrations WHERE rolled_back_at IS NULL',
    );
    return answer.rows.filter(isRecord);
  } catch (error) {
    if (codeOf(error) === UNDEFINED_TABLE) return [];
    throw error;
  }
}

function isRecord(row: unknown): row is Recorded {
  return (
    typeof row === 'object' &&
    row !== null &&
    'name' in row &&
    'checksum' in row &&
    'finished' in row &&
    typeof row.name === 'string'
  );
}
