import type pg from 'pg';
import type { Database } from './database.ts';

/** One statement as it went over the wire: its text in one line, and the name it is prepared under, if any. */
export interface SeenStatement {
  readonly text: string;
  readonly name: string | null;
}

const watched = new WeakMap<Database, SeenStatement[]>();

/** Every statement that the pool's connections send while `work` runs, BEGIN and COMMIT included, in order. */
export async function statementsOf(
  database: Database,
  work: () => Promise<unknown>,
): Promise<SeenStatement[]> {
  const seen = watched.get(database) ?? watch(database);
  const from = seen.length;
  await work();
  return seen.slice(from);
}

function watch(database: Database): SeenStatement[] {
  const seen: SeenStatement[] = [];
  watched.set(database, seen);
  database.pool.on('acquire', (client) => listen(client, seen));
  return seen;
}

const heard = new WeakSet<pg.PoolClient>();

function listen(client: pg.PoolClient, seen: SeenStatement[]): void {
  if (heard.has(client)) return;
  heard.add(client);
  const query = client.query.bind(client) as (...args: unknown[]) => unknown;
  const heardQuery = (...args: unknown[]): unknown => {
    const [asked] = args;
    const { text, name } = typeof asked === 'string' ? { text: asked, name: null } : describe(asked);
    seen.push({ text: text.replace(/\s+/g, ' ').trim(), name });
    return query(...args);
  };
  Object.assign(client, { query: heardQuery });
}

function describe(asked: unknown): SeenStatement {
  const of = (key: string): string | null => {
    const value: unknown = typeof asked === 'object' && asked !== null ? Reflect.get(asked, key) : null;
    return typeof value === 'string' ? value : null;
  };
  return { text: of('text') ?? '', name: of('name') };
}

/** The names of the prepared statements that `work` runs, without their digests; for an unnamed one its text. */
export const namesOf = async (database: Database, work: () => Promise<unknown>): Promise<string[]> =>
  (await statementsOf(database, work)).map(
    ({ name, text }) => name?.replace(/^foyer-(.*)-[0-9a-f]{12}$/, '$1') ?? text,
  );

/** The database, with `meanwhile` done once, before its first prepared statement about `name`. */
export function beforeStatement(
  database: Database,
  name: string,
  meanwhile: () => Promise<unknown>,
): Database {
  let isDone = false;
  const query = async (given: pg.QueryConfig) => {
    if (!isDone && given.name?.startsWith(`foyer-${name}-`)) {
      isDone = true;
      await meanwhile();
    }
    return database.pool.query(given);
  };
  const pool = new Proxy(database.pool, {
    get: (target, key) => (key === 'query' ? query : (Reflect.get(target, key) as unknown)),
  });
  return Object.assign(Object.create(database) as Database, { pool });
}
