import { STOP_LIMIT_MS } from '@foyer/shared';
import type { Logger } from './logging.ts';

/** Something to close at shutdown. */
export type Closer = readonly [name: string, close: () => Promise<unknown>];

/** Closers in their order; those of an inner list are closed at the same time. */
export type Closers = readonly (Closer | readonly Closer[])[];

/**
 * Runs the closers once at SIGTERM or SIGINT, even when one fails, and ends the process: with 0 when all succeeded, with
 * 1 when one failed or `limitMs` elapsed.
 */
export function onShutdown(logger: Logger, closers: Closers, limitMs: number = STOP_LIMIT_MS): void {
  let stopping = false;
  const stop = async (signal: string) => {
    if (stopping) return;
    stopping = true;
    logger.info({ event: 'stopping', signal });
    setTimeout(() => {
      logger.error({ event: 'stop-overdue', limitMs });
      process.exit(1);
    }, limitMs).unref();
    process.exit((await closeAll(logger, closers)) ? 0 : 1);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(signal));
}

async function closeAll(logger: Logger, closers: Closers): Promise<boolean> {
  let good = true;
  const closeOne = async ([name, close]: Closer) => {
    try {
      await close();
    } catch (err) {
      good = false;
      logger.error({ event: 'close-failed', part: name, err });
    }
  };
  for (const entry of closers) await (isOne(entry) ? closeOne(entry) : Promise.all(entry.map(closeOne)));
  logger.info({ event: 'stopped' });
  return good;
}

const isOne = (entry: Closer | readonly Closer[]): entry is Closer => typeof entry[0] === 'string';

/** Starts an app: a failed start is reported in one line, with what to do, and ends the process with 1. */
export async function runApp(start: () => Promise<void>, say: (message: string) => void): Promise<void> {
  try {
    await start();
  } catch (error) {
    say(explainStart(error));
    process.exitCode = 1;
    // Half-started parts keep the event loop alive, so the process is ended after its output could be written.
    setTimeout(() => process.exit(1), 100);
  }
}

function explainStart(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE')
    return `The port is in use: ${message}. Stop the program that uses it, or choose another port.`;
  if (code === 'EACCES') return `Not allowed: ${message}. Choose a port above 1023.`;
  if (code === 'ECONNREFUSED') return `A service cannot be reached: ${message || 'connection refused'}.`;
  return message;
}
