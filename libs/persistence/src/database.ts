import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { watchedClients } from './connection/client.ts';
import { PrismaClient } from './generated/client.ts';

export interface DatabaseOptions {
  readonly url: string;
  /** Connections this process may hold. */
  readonly poolSize?: number;
  /** How long a server may be silent after a query before it is given up, in milliseconds; above any statement's limit. */
  readonly silenceMs?: number;
  /** Hears of connections that broke while idle; the pool replaces them by itself. */
  readonly onError?: (error: Error) => void;
}

/** One pool of connections for everything in a process. */
export interface Database {
  readonly prisma: PrismaClient;
  readonly pool: pg.Pool;
  /** A connection of its own, for LISTEN or what takes long: without the limit on statements. */
  connect(): Promise<pg.Client>;
  /** Throws when the database does not answer within `timeoutMs`, or takes no writes, as a replica. */
  ping(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * The server's limits on every connection, in milliseconds: nothing here is meant to run long. A lock is given up before
 * the statement that waits for it, and that before we stop listening (`SILENCE_MS`), so that the error says which it was.
 */
const limits = {
  statement_timeout: 15_000,
  lock_timeout: 10_000,
  idle_in_transaction_session_timeout: 30_000,
};

const CONNECTION_WAIT_MS = 10_000;
/** The statement limit is the server's, and one that disappeared keeps none: without a limit of ours we would wait for ever. */
const SILENCE_MS = 20_000;
/** An idle connection whose far end has gone is found out by probes, the first after this long. */
const FIRST_PROBE_MS = 10_000;

export function openDatabase(options: DatabaseOptions): Database {
  const { url, poolSize = 10, silenceMs = SILENCE_MS, onError = () => {} } = options;
  const config = {
    connectionString: url,
    application_name: 'foyer',
    connectionTimeoutMillis: CONNECTION_WAIT_MS,
    query_timeout: silenceMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: FIRST_PROBE_MS,
    ...limits,
  };
  const Client = watchedClients();
  const pool = new pg.Pool({ ...config, max: poolSize, Client });
  pool.on('error', onError);
  // A crowd may wait for connections as long as for the server; Prisma's own patience is two seconds.
  const transactionOptions = { maxWait: CONNECTION_WAIT_MS, timeout: limits.statement_timeout };
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

/** The tenant's id; the tenant is made when it is new. `slug`: lower-case letters, digits and dashes, at most 63. */
export async function openTenant({ pool }: Database, slug: string): Promise<string> {
  // Past Prisma: its upsert reads before it writes, several processes start at once, and the first thing that a process
  // asks of the database must fail in words that an operator understands.
  await pool.query('INSERT INTO tenant (slug) VALUES ($1) ON CONFLICT (slug) DO NOTHING', [slug]);
  const { rows } = await pool.query<{ id: string }>('SELECT id FROM tenant WHERE slug = $1', [slug]);
  return rows[0]!.id;
}

/** The tenant's id, or null when there is none of that name: for commands, where a slip of the pen must make nothing. */
export async function findTenant({ pool }: Database, slug: string): Promise<string | null> {
  const { rows } = await pool.query<{ id: string }>('SELECT id FROM tenant WHERE slug = $1', [slug]);
  return rows[0]?.id ?? null;
}
