import type { BackgroundTask } from './background-task.ts';
import { RepeatedTask } from './repeated-task.ts';

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
export const heartbeatTask = (
  heartbeat: Heartbeat,
  onError: (error: unknown) => void,
  intervalMs = INTERVAL_MS,
): BackgroundTask =>
  new RepeatedTask({
    ...{ name: 'heartbeat', intervalMs, onError },
    round: () => heartbeat.beat(),
    atEnd: () => heartbeat.leave().catch(onError),
  });
