import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { watchedClients } from './client.ts';
import { PrismaClient } from '../generated/client.ts';

export interface DatabaseOptions {
  readonly url: string;
  /** The most connections of this process. */
  readonly poolSize?: number;
  /**
   * Whether statements, locks, transactions and connections have limits on time; true when left out. Only a simulation
   * has none, because its time is not the machine's.
   */
  readonly hasTimeLimits?: boolean;
  /** How long to wait for the answer to a query, in milliseconds; must exceed the limit of every statement. */
  readonly silenceMs?: number;
  /** How long a caller waits for a connection of the pool, in milliseconds. */
  readonly connectionWaitMs?: number;
  /** Called when an idle connection breaks; the pool replaces it automatically. */
  readonly onError?: (error: Error) => void;
}

/** The connection pool shared by a whole process. */
export interface Database {
  readonly prisma: PrismaClient;
  readonly pool: pg.Pool;
  /** A separate connection, for LISTEN or long statements: without the statement limit. */
  connect(): Promise<pg.Client>;
  /** Throws when the database does not answer within `timeoutMs`, or is read-only, as a replica is. */
  ping(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * The server's limits on every connection, in milliseconds, because no statement here should run long. The lock limit
 * is below the statement limit, and that is below `SILENCE_MS`, so that the error names the actual cause.
 */
const limits = {
  statement_timeout: 15_000,
  lock_timeout: 10_000,
  idle_in_transaction_session_timeout: 30_000,
};
/** For PostgreSQL and pg, 0 stands for no limit. */
const noLimits = { statement_timeout: 0, lock_timeout: 0, idle_in_transaction_session_timeout: 0 };
/** Prisma has no word for no limit; this is the longest that a timer of Node can wait. */
const LONGEST_MS = 2 ** 31 - 1;

/** A caller waits at most this long, and then `SILENCE_MS` for an answer: 30 s together. */
const CONNECTION_WAIT_MS = 10_000;
/**
 * The server enforces the statement limit, so a server that disappeared does not: without our own limit the wait would
 * never end.
 */
const SILENCE_MS = 20_000;
/** TCP probes detect that the server of an idle connection is gone, the first after this long. */
const FIRST_PROBE_MS = 10_000;

export function openDatabase(options: DatabaseOptions): Database {
  const { url, poolSize = 10, hasTimeLimits = true, onError = () => {} } = options;
  const { silenceMs = SILENCE_MS, connectionWaitMs = CONNECTION_WAIT_MS } = options;
  const config = {
    connectionString: url,
    application_name: 'foyer',
    connectionTimeoutMillis: hasTimeLimits ? connectionWaitMs : 0,
    query_timeout: hasTimeLimits ? silenceMs : 0,
    keepAlive: true,
    keepAliveInitialDelayMillis: FIRST_PROBE_MS,
    ...(hasTimeLimits ? limits : noLimits),
  };
  const Client = watchedClients();
  const pool = new pg.Pool({ ...config, max: poolSize, Client });
  pool.on('error', onError);
  // Many callers may wait for a connection as long as for the server; Prisma's own limit is two seconds.
  const transactionOptions = hasTimeLimits
    ? { maxWait: connectionWaitMs, timeout: limits.statement_timeout }
    : { maxWait: LONGEST_MS, timeout: LONGEST_MS };
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool), transactionOptions });
  return {
    prisma,
    pool,
    async connect() {
      const client = new Client({ ...config, statement_timeout: 0 });
      client.on('error', onError);
      await client.connect();
      return client;
    },
    async ping(timeoutMs) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_resolve, reject) => {
        timer = setTimeout(
          () => reject(new Error(`The database did not answer in ${timeoutMs} ms.`)),
          timeoutMs,
        );
      });
      await Promise.race([pool.query('SELECT pg_current_xact_id()'), late]).finally(() =>
        clearTimeout(timer),
      );
    },
    async close() {
      await prisma.$disconnect();
      await pool.end();
    },
  };
}

/** The tenant's id; a new tenant is created. `slug`: lower-case letters, digits and dashes, at most 63. */
export async function openTenant({ pool }: Database, slug: string): Promise<string> {
  // Without Prisma: its upsert reads before it writes, although several processes start at once; and the first query of
  // a process must fail with an error that an operator understands.
  await pool.query('INSERT INTO tenant (slug) VALUES ($1) ON CONFLICT (slug) DO NOTHING', [slug]);
  const { rows } = await pool.query<{ id: string }>('SELECT id FROM tenant WHERE slug = $1', [slug]);
  return rows[0]!.id;
}

/**
 * The tenant's id, or null when there is none of that name: for commands, where a typing error must not create a
 * tenant.
 */
export async function findTenant({ pool }: Database, slug: string): Promise<string | null> {
  const { rows } = await pool.query<{ id: string }>('SELECT id FROM tenant WHERE slug = $1', [slug]);
  return rows[0]?.id ?? null;
}
