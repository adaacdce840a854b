import { setTimeout as sleep } from 'node:timers/promises';
import type { Broker, BrokerNeeds, QueueBackendFactory } from './broker.ts';
import type { QueueOptions } from './options.ts';
import { createPostgresBroker } from './postgres.ts';
import { createRedisBroker } from './redis.ts';

/** Redis if an address is given, otherwise PostgreSQL. An unavailable server is not an error here. */
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
 * BullMQ retries at once when fetching the next job fails with any error but a refused connection (server starting, out
 * of memory, read-only), which would be a busy loop. Here a failed fetch pauses first. After a failed check for stalled
 * jobs BullMQ waits five seconds, even when closed; so the failure is reported as an empty result, and BullMQ waits for
 * the next check.
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
