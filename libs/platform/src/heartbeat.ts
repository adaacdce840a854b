import { setTimeout as pause } from 'node:timers/promises';

/** Where a process records that it runs. */
export interface Heartbeat {
  beat(): Promise<void>;
  leave(): Promise<void>;
}

const INTERVAL_MS = 10_000;

/**
 * Writes a heartbeat at once and every ten seconds, until it is stopped; then removes it. When a heartbeat fails,
 * `onError` is called, and the process continues.
 */
export function startHeartbeat(
  heartbeat: Heartbeat,
  onError: (error: unknown) => void,
  intervalMs = INTERVAL_MS,
): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const { signal } = stopping;
  const running = (async () => {
    while (!signal.aborted) {
      await heartbeat.beat().catch(onError);
      await pause(intervalMs, undefined, { signal }).catch(() => {});
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await running;
      await heartbeat.leave().catch(onError);
    },
  };
}
