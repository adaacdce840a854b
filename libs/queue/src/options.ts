import type { Lane } from '@foyer/shared';

export interface QueueOptions {
  /** `redis://` or `rediss://`; without it the queue is in PostgreSQL, in its own schema. */
  readonly redisUrl?: string;
  readonly databaseUrl: string;
  /** The queue's name space: processes with the same prefix share the jobs. */
  readonly prefix: string;
  /**
   * Called with every error that no caller awaits. Errors of the backend arrive as plain copies (name, message, code,
   * stack), so that no client, address or command can reach a log; an error that a handler threw arrives unchanged.
   */
  readonly onError: (error: Error, where: string) => void;
}

/** The prefix of our keys in Redis; on PostgreSQL the schema has this role. */
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
 * BullMQ's name for a lane. The background lane has the plain name, which earlier versions used for every job, so that
 * their jobs are still processed. A prefix has no dot, so that no other prefix gives the same name.
 */
export const laneName = (prefix: string, lane: Lane): string =>
  lane === 'interactive' ? `${prefix}.interactive` : prefix;
