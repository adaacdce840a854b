import { setTimeout as pause } from 'node:timers/promises';

/**
 * Waits for a condition: calls `look` until it returns something other than null. Throws an error that names `what`
 * when time is up.
 */
export async function until<T>(what: string, look: () => Promise<T | null>, withinMs = 60_000): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    if (performance.now() > deadline) throw new Error(`Waited ${withinMs} ms in vain until ${what}.`);
    await pause(50);
  }
}
