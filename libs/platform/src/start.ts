import { setTimeout as pause } from 'node:timers/promises';
import { toPlainError, type Logger } from './logging.ts';
import { isUnavailable } from './unavailable.ts';

const PAUSE_MS = 500;
const REPEAT_MS = 10_000;

/**
 * Does a part of the start, again and again while what it needs is away: a process that starts waits as one that runs does.
 * Tells the log at once and every ten seconds. Throws what another try cannot change: a wrong password, no such database.
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
