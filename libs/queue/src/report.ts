import { isNativeError } from 'node:util/types';
import type { QueueOptions } from './options.ts';

const REPEAT_AFTER_MS = 10_000;
const REMEMBERED = 200;

/**
 * A copy that is safe to log: errors of pg and ioredis contain the client or the command with its arguments (including
 * passwords and job data), so only name, message, code and stack are copied.
 */
export function plainError(error: unknown): Error {
  if (!isNativeError(error)) return new Error(typeof error === 'string' ? error : 'Unknown error');
  const plain = Object.assign(new Error(messageOf(error)), { name: error.name, stack: error.stack });
  return 'code' in error && typeof error.code === 'string'
    ? Object.assign(plain, { code: error.code })
    : plain;
}

/** A refused connection to a name with several addresses is an AggregateError without a message of its own. */
function messageOf(error: Error): string {
  if (error.message !== '' || !('errors' in error) || !Array.isArray(error.errors)) return error.message;
  return error.errors
    .map((inner: unknown) => (isNativeError(inner) ? inner.message : 'Unknown error'))
    .join('; ');
}

export interface Reporter {
  /** Reports a fault of the backend, as a plain copy, and each one at most once in ten seconds. */
  backend(error: unknown, where: string): void;
  /** Reports a fault of one job, unchanged and every time. */
  job(error: unknown, where: string): void;
}

/** Wraps `onError` so that an error thrown by it is ignored. */
export function createReporter(onError: QueueOptions['onError']): Reporter {
  const told = new Map<string, number>();
  const tell = (error: Error, where: string): void => {
    try {
      onError(error, where);
    } catch {
      // An error in the error handler cannot be reported anywhere.
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
