import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { PrismaClient } from './generated/client.ts';

export interface DatabaseOptions {
  readonly url: string;
  /** Connections this process may hold. */
  readonly poolSize?: number;
  /** Hears of connections that broke while idle; the pool replaces them by itself. */
  readonly onError?: (error: Error) => void;
}

/** One pool of connections for everything in a process. */
export interface Database {
  readonly prisma: PrismaClient;
  readonly pool: pg.Pool;
  /** A connection of its own, for LISTEN. */
  connect(): Promise<pg.Client>;
  /** Throws when the database does not answer within `timeoutMs`. */
  ping(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}

/** Time limits of every statement, in milliseconds: nothing here is meant to run long. */
const limits = {
  statement_timeout: 15_000,
  lock_timeout: 10_000,
  idle_in_transaction_session_timeout: 30_000,
};

export function openDatabase({ url, poolSize = 10, onError = () => {} }: DatabaseOptions): Database {
  const config = {
    connectionString: url,
    application_name: 'foyer',
    connectionTimeoutMillis: 10_000,
    ...limits,
  };
  const pool = new pg.Pool({ ...config, max: poolSize });
  pool.on('error', onError);
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool) });
  return {
    prisma,
    pool,
    async connect() {
      const client = new pg.Client({ ...config, statement_timeout: 0, keepAlive: true });
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
      await Promise.race([pool.query('SELECT 1'), late]).finally(() => clearTimeout(timer));
    },
    async close() {
      await prisma.$disconnect();
      await pool.end();
    },
  };
}

/** The tenant's id; the tenant is made when it is new. `slug`: lower-case letters, digits and dashes, at most 63. */
export async function openTenant({ prisma }: Database, slug: string): Promise<string> {
  // Not Prisma's upsert: it reads before it writes, and several processes start at once.
  await prisma.$executeRaw`INSERT INTO tenant (slug) VALUES (${slug}) ON CONFLICT (slug) DO NOTHING`;
  const { id } = await prisma.tenant.findUniqueOrThrow({ where: { slug }, select: { id: true } });
  return id;
}
