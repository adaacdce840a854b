import { isNativeError } from 'node:util/types';
import type { QueueOptions } from './options.ts';

const REPEAT_AFTER_MS = 10_000;
const REMEMBERED = 200;

/**
 * A copy that is safe to log: errors of pg and ioredis carry the client or the command with its arguments (passwords and
 * job data included), so only name, message, code and stack come along.
 */
export function plainError(error: unknown): Error {
  if (!isNativeError(error)) return new Error(typeof error === 'string' ? error : 'Unknown error');
  const plain = Object.assign(new Error(messageOf(error)), { name: error.name, stack: error.stack });
  return 'code' in error && typeof error.code === 'string'
    ? Object.assign(plain, { code: error.code })
    : plain;
}

/** A refused connection to a name with several addresses is an AggregateError with no message of its own. */
function messageOf(error: Error): string {
  if (error.message !== '' || !('errors' in error) || !Array.isArray(error.errors)) return error.message;
  return error.errors
    .map((inner: unknown) => (isNativeError(inner) ? inner.message : 'Unknown error'))
    .join('; ');
}

export interface Reporter {
  /** A fault of the backend: a plain copy, and the same one at most once in ten seconds. */
  backend(error: unknown, where: string): void;
  /** A fault of one job: as it is, every time. */
  job(error: unknown, where: string): void;
}

/** Wraps `onError` so that a fault in telling of a fault goes no further. */
export function createReporter(onError: QueueOptions['onError']): Reporter {
  const told = new Map<string, number>();
  const tell = (error: Error, where: string): void => {
    try {
      onError(error, where);
    } catch {
      // There is nobody left to tell.
    }
  };
  return {
    backend(error, where) {
      const plain = plainError(error);
      const key = `${where} ${plain.message}`;
      const last = told.get(key);
      if (last !== undefined && performance.now() - last < REPEAT_AFTER_MS) return;
      if (told.size >= REMEMBERED) told.clear();
      told.set(key, performance.now());
      tell(plain, where);
    },
    job(error, where) {
      tell(isNativeError(error) ? error : plainError(error), where);
    },
  };
}
