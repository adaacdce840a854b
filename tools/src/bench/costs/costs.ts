import http from 'node:http';
import { findRedisServer } from '../../stack/redis.ts';
import { cpuMs } from '../cpu.ts';
import { type Item, type Scale } from '../figure.ts';
import { startService, type Service } from '../figures/scim-service.ts';
import {
  administer,
  countStatements,
  perOne,
  resetStatements,
  startCountingPostgres,
} from '../statement-counter.ts';
import { operationsOf, type Operation } from './operations.ts';
import { startCountingProxy, type CountingProxy } from './round-trips.ts';

const TIMES: Record<Scale, number> = { full: 2_000, small: 100 };
const CLIENTS = 8;
/** Rarer statements belong to what the gateway does by the clock. */
const LEAST_PER_OPERATION = 0.02;

/** What one operation costs, on average. */
export interface OperationCost {
  readonly operation: string;
  readonly queue: 'Redis' | 'PostgreSQL';
  readonly times: number;
  readonly roundTrips: number;
  readonly statements: number;
  /** Transactions that wrote something, and so waited for the disk. */
  readonly commits: number;
  /** Without images of whole pages, which depend on the time since the last checkpoint. */
  readonly walBytes: number;
  /** Processor time in ms; null without /proc. */
  readonly gatewayMs: number | null;
  readonly databaseMs: number | null;
  readonly list: readonly Item[];
}

type Server = Awaited<ReturnType<typeof startCountingPostgres>>;

/**
 * What each operation costs: statements counted by the server, round trips by a proxy before it, and then the processor
 * time of as many again without the counting of statements. With the queue on Redis, where the machine has it, and on
 * PostgreSQL.
 */
export async function measureCosts(
  scale: Scale,
  onCost: (cost: OperationCost) => void,
): Promise<OperationCost[]> {
  const costs: OperationCost[] = [];
  const queues =
    findRedisServer() === undefined ? (['PostgreSQL'] as const) : (['Redis', 'PostgreSQL'] as const);
  for (const queue of queues) {
    const server = await startCountingPostgres();
    const proxy = await startCountingProxy(server.url);
    const agent = new http.Agent({ keepAlive: true, maxSockets: CLIENTS });
    try {
      const service = await startService({
        postgresUrl: proxy.url,
        redis: queue === 'Redis',
        parts: ['okta', 'box', 'gateway', 'provisioner'],
      });
      try {
        const operations = await operationsOf(service, agent);
        // From here on, nobody but the gateway uses the database.
        await Promise.all(service.stack.parts.provisioners.map((part) => part.stop()));
        for (const operation of operations) {
          const cost = { queue, ...(await costOf(operation, TIMES[scale], { server, proxy, service })) };
          onCost(cost);
          costs.push(cost);
        }
      } finally {
        await service.stack.stop();
      }
    } finally {
      agent.destroy();
      await proxy.close();
      await server.stop();
    }
  }
  return costs;
}

interface Place {
  readonly server: Server;
  readonly proxy: CountingProxy;
  readonly service: Service;
}

async function costOf(
  { name, share, once }: Operation,
  of: number,
  { server, proxy, service }: Place,
): Promise<Omit<OperationCost, 'queue'>> {
  const times = Math.max(1, Math.round((of * share) / 100));
  // The first ones warm up: prepared statements, plans, compiled code.
  await makeAll(once, Math.min(times, 200));
  const before = await writes(server.url);
  const began = proxy.count();
  await resetStatements(server);
  await makeAll(once, times);
  const items = await countStatements(server, service.stack.databaseUrl);
  const roundTrips = proxy.count() - began;
  const after = await writes(server.url);
  const cpu = await cpuOf(once, times, { server, service });
  const shown = items.filter(({ count }) => count / times >= LEAST_PER_OPERATION);
  const each = (count: number, digits = 100): number => Math.round((count / times) * digits) / digits;
  return {
    operation: name,
    times,
    roundTrips: each(roundTrips),
    statements: each(items.reduce((sum, { count }) => sum + count, 0)),
    commits: each(after.transactions - before.transactions),
    walBytes: each(after.wal - before.wal, 1),
    ...cpu,
    list: perOne(shown, times),
  };
}

async function cpuOf(
  once: () => Promise<void>,
  times: number,
  { server, service }: Omit<Place, 'proxy'>,
): Promise<Pick<OperationCost, 'gatewayMs' | 'databaseMs'>> {
  await counting(server.url, 'none');
  const sides = [service.stack.parts.gateway, server.part];
  const read = () => Promise.all(sides.map((part) => cpuMs([part])));
  const before = await read();
  await makeAll(once, times);
  const after = await read();
  await counting(server.url, 'top');
  const [gatewayMs, databaseMs] = after.map((ms, at) =>
    ms === null || before[at] == null ? null : Math.round(((ms - before[at]) / times) * 100) / 100,
  );
  return { gatewayMs: gatewayMs ?? null, databaseMs: databaseMs ?? null };
}

async function makeAll(once: () => Promise<void>, times: number): Promise<void> {
  let left = times;
  const client = async () => {
    while (left-- > 0) await once();
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
}

/** Transactions that got an id, and bytes of WAL, of the whole server so far. */
async function writes(url: string): Promise<{ readonly transactions: number; readonly wal: number }> {
  const [row] = await administer<{ transactions: number; wal: number }>(
    url,
    `SELECT pg_snapshot_xmax(pg_current_snapshot())::text::float8 AS transactions,
       pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 AS wal`,
  );
  return row!;
}

async function counting(url: string, what: 'none' | 'top'): Promise<void> {
  await administer(url, `ALTER SYSTEM SET pg_stat_statements.track = '${what}'`);
  await administer(url, 'SELECT pg_reload_conf()');
}
