import { setTimeout as pause } from 'node:timers/promises';
import { toPlainError, type Logger } from './logging.ts';
import { isUnavailable } from './unavailable.ts';

const PAUSE_MS = 500;
const REPEAT_MS = 10_000;

/**
 * Runs a step of the start, and repeats it while a server that it needs is unavailable, as a running process does. Logs
 * that at once and every ten seconds. Throws errors that a retry cannot fix: a wrong password, or a missing database.
 */
export async function whenReachable<T>(
  logger: Pick<Logger, 'warn'>,
  part: string,
  work: () => Promise<T>,
  pauseMs = PAUSE_MS,
): Promise<T> {
  for (let toldAt = -Infinity; ;) {
    try {
      return await work();
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      if (performance.now() - toldAt >= REPEAT_MS) {
        toldAt = performance.now();
        logger.warn({ event: 'waiting-for', part, err: toPlainError(error) });
      }
      await pause(pauseMs);
    }
  }
}
