import { createRedisBackend } from 'bullmq';
import type { RedisOptions } from 'ioredis';
import type { Broker, BrokerNeeds } from './broker.ts';
import { WatchedRedis } from './redis-client.ts';
import { endsWithin } from './within-limit.ts';

const LONGEST_RETRY_MS = 2_000;
const QUIT_LIMIT_MS = 1_000;

const common: RedisOptions = {
  connectTimeout: 5_000,
  keepAlive: 10_000,
  // ioredis keeps a timer of this length for a socket that is already closed, and it keeps the process alive.
  disconnectTimeout: 250,
  retryStrategy: (times) => Math.min(100 * 2 ** times, LONGEST_RETRY_MS) * (0.5 + Math.random() / 2),
};

const byRole: Readonly<Record<BrokerNeeds['role'], RedisOptions>> = {
  // A producer fails at once while Redis is unavailable: waiting commands would pile up and then all arrive together.
  producer: { ...common, enableOfflineQueue: false, maxRetriesPerRequest: 0, commandTimeout: 10_000 },
  // BullMQ's rule for workers: commands wait for the server. The limit exceeds that of its longest blocking command, 11
  // s.
  consumer: { ...common, maxRetriesPerRequest: null, commandTimeout: 30_000 },
};

/** Redis through our own connection; a consumer's second, blocking connection is BullMQ's duplicate of it. */
export function createRedisBroker(url: string, { role, reporter }: BrokerNeeds): Broker {
  const client = new WatchedRedis(url, byRole[role]);
  // BullMQ listens too, but only while its queue or worker is open.
  client.on('error', (error) => reporter.backend(error, `queue ${role}`));
  return {
    prepare: () => Promise.resolve(),
    factory: (name, opts, needs) => createRedisBackend(name, { ...opts, connection: client }, needs),
    proveWritable: () => client.beat(),
    close: async () => {
      client.endWatch();
      if (client.status === 'ready') await endsWithin(QUIT_LIMIT_MS, client.quit());
      client.disconnect();
    },
  };
}
