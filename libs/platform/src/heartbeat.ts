import { setTimeout as pause } from 'node:timers/promises';

/** Where a process writes that it runs. */
export interface Heartbeat {
  beat(): Promise<void>;
  leave(): Promise<void>;
}

const INTERVAL_MS = 10_000;

/**
 * Writes a heartbeat at once and every ten seconds, until it is stopped; then removes it. A heartbeat that fails is left
 * out: `onError` is called, and the process goes on.
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
