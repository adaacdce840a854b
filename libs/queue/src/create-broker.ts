import { setTimeout as sleep } from 'node:timers/promises';
import type { Broker, BrokerNeeds, QueueBackendFactory } from './broker.ts';
import type { QueueOptions } from './options.ts';
import { createPostgresBroker } from './postgres.ts';
import { createRedisBroker } from './redis.ts';

/** Redis when there is an address for it, PostgreSQL when not. A server that is away is no error here. */
export function createBroker(options: QueueOptions, needs: BrokerNeeds): Broker {
  const broker =
    options.redisUrl === undefined
      ? createPostgresBroker(options.databaseUrl, needs)
      : createRedisBroker(options.redisUrl, needs);
  return {
    ...broker,
    factory: patient(broker.factory, (error) => needs.reporter.backend(error, `queue ${needs.role}`)),
  };
}

const PAUSE_MS = 500;

/**
 * BullMQ asks for the next job again at once when asking failed with anything but a refused connection (server starting up,
 * out of memory, read-only): a busy loop for as long as that lasts. Here a failed asking takes a moment. After a failed look
 * for stalled jobs it waits five seconds, even when closed; as if it had found none, it waits for its next turn instead.
 */
function patient(factory: QueueBackendFactory, report: (error: unknown) => void): QueueBackendFactory {
  return (...args) => {
    const backend = factory(...args);
    const moveToActive = backend.moveToActive.bind(backend);
    const moveStalledJobsToWait = backend.moveStalledJobsToWait.bind(backend);
    backend.moveToActive = async (token, name) => {
      try {
        const next: unknown[] = await moveToActive(token, name);
        return next;
      } catch (error) {
        await sleep(PAUSE_MS);
        throw error;
      }
    };
    backend.moveStalledJobsToWait = async () => {
      try {
        return await moveStalledJobsToWait();
      } catch (error) {
        report(error);
        return [];
      }
    };
    return backend;
  };
}
