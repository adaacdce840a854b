import { codeOf } from './database.ts';
import { migrationNames, migrationsDirectory } from './files.ts';

/** What asks the database one thing: a pg.Pool, a pg.Client, or anything shaped alike. */
export interface Queryable {
  query(sql: string): Promise<{ rows: unknown[] }>;
}

export interface MigrationState {
  /** On disk and not finished in this database, in order. */
  pending: string[];
  /** Begun in this database and not finished: somebody must look. */
  failed: string[];
}

const UNDEFINED_TABLE = '42P01';

/**
 * Which migrations this database still lacks: one SELECT and one directory listing, so it suits a readiness check.
 * @param directory where the migrations are; found by itself when absent
 * @throws what the database throws, but not when it has no migrations table yet: then all are pending
 */
export async function pendingMigrations(
  database: Queryable,
  directory: string = migrationsDirectory(),
): Promise<MigrationState> {
  const [names, rows] = await Promise.all([migrationNames(directory), recorded(database)]);
  const finished = new Set(rows.filter((row) => row.finished).map((row) => row.name));
  const failed = rows.filter((row) => !row.finished && !finished.has(row.name)).map((row) => row.name);
  return { pending: names.filter((name) => !finished.has(name)), failed };
}

async function recorded(database: Queryable): Promise<{ name: string; finished: boolean }[]> {
  try {
    const answer = await database.query(
      'SELECT migration_name AS name, finished_at IS NOT NULL AS finished FROM _prisma_migrations WHERE rolled_back_at IS NULL',
    );
    return answer.rows.filter(isRecord);
  } catch (error) {
    if (codeOf(error) === UNDEFINED_TABLE) return [];
    throw error;
  }
}

function isRecord(row: unknown): row is { name: string; finished: boolean } {
  return (
    typeof row === 'object' &&
    row !== null &&
    'name' in row &&
    'finished' in row &&
    typeof row.name === 'string'
  );
}
