import type { Lane } from '@foyer/shared';

export interface QueueOptions {
  /** `redis://` or `rediss://`; left out, the queue lives in PostgreSQL, in its own schema. */
  readonly redisUrl?: string;
  readonly databaseUrl: string;
  /** The queue's name space: whoever shares it shares the jobs. */
  readonly prefix: string;
  /**
   * Told of every fault that nobody awaits. Errors of the backend arrive as plain copies (name, message, code, stack), so
   * no client, address or command can reach a log; what a handler threw arrives as it was thrown.
   */
  readonly onError: (error: Error, where: string) => void;
}

/** What our keys in Redis begin with; on PostgreSQL the schema does this. */
export const KEY_PREFIX = 'foyer-queue';

const SANE_PREFIX = /^[a-z][a-z0-9_-]{0,109}$/;

/** Throws unless the prefix can be part of a Redis key, a NOTIFY payload and an application name. */
export function checkPrefix(prefix: string): void {
  if (!SANE_PREFIX.test(prefix)) {
    throw new Error(
      `Queue prefix ${JSON.stringify(prefix)}: a letter, then at most 109 of a-z, 0-9, _ and -, as in "foyer".`,
    );
  }
}

/**
 * What BullMQ calls a lane. The background lane has the plain name: it is where earlier versions put every job, so that
 * theirs are still worked on. No prefix has a dot, so that no other prefix makes the same name.
 */
export const laneName = (prefix: string, lane: Lane): string =>
  lane === 'interactive' ? `${prefix}.interactive` : prefix;
