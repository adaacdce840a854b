import type { Permits, Acquisition, WaitOptions } from '@foyer/provisioning';
import type { Timers, VirtualClock } from '../clock.ts';
import { never, oneTurn, type Actor, type Scheduler } from '../scheduler.ts';

/** The names of a port's methods in the boundaries. */
type Names<T> = { readonly [K in keyof T]?: string | ((...args: readonly unknown[]) => string) };

/**
 * The same port with a boundary before and after each call of a listed method. Calls of a dead actor never get through.
 */
export function bounded<T extends object>(
  port: T,
  { scheduler, actor }: { scheduler: Scheduler; actor: Actor },
  names: Names<T>,
): T {
  const nameOf = new Map<PropertyKey, unknown>(Object.entries(names));
  return new Proxy(port, {
    get(target, key) {
      const method: unknown = Reflect.get(target, key);
      if (typeof method !== 'function') return method;
      const name = nameOf.get(key);
      if (name === undefined) return (...args: unknown[]): unknown => Reflect.apply(method, target, args);
      return async (...args: unknown[]): Promise<unknown> => {
        if (actor.dead) return never();
        const thread = scheduler.current;
        const label = String(typeof name === 'function' ? Reflect.apply(name, undefined, args) : name);
        thread.enterCall();
        await scheduler.reach(thread, `port ${label} before`);
        thread.ports.push(label);
        try {
          const result: unknown = await Reflect.apply(method, target, args);
          return result;
        } finally {
          thread.ports.pop();
          await scheduler.reach(thread, `port ${label} after`);
          thread.leaveCall();
        }
      };
    },
  });
}

/**
 * The same permits for a process whose only timers are `timers`: a wait for one of them is a boundary, and continuing
 * from it moves the clock to the timer's time.
 */
export class WaitingPurse implements Permits {
  readonly #permits: Permits;
  readonly #parts: { scheduler: Scheduler; actor: Actor; timers: Timers; clock: VirtualClock };

  constructor(
    permits: Permits,
    parts: { scheduler: Scheduler; actor: Actor; timers: Timers; clock: VirtualClock },
  ) {
    this.#permits = permits;
    this.#parts = parts;
  }

  fill(options?: WaitOptions): Promise<Acquisition> {
    return this.#wait(() => this.#permits.fill(options));
  }

  acquire(): Promise<Acquisition> {
    return this.#wait(() => this.#permits.acquire());
  }

  reportThrottled(retryAfterMs: number | undefined): Promise<void> {
    return this.#permits.reportThrottled(retryAfterMs);
  }

  begin(): void {
    this.#permits.begin();
  }

  close(): void {
    this.#permits.close();
  }

  async #wait<T>(ask: () => Promise<T>): Promise<T> {
    const { scheduler, actor, timers, clock } = this.#parts;
    if (actor.dead) return never();
    const thread = scheduler.current;
    const outer = thread.calls;
    const answer = ask();
    let ended = false;
    const done = (): void => {
      ended = true;
    };
    answer.then(done, done);
    for (;;) {
      await thread.untilCalls(outer);
      await oneTurn();
      if (ended) return answer;
      if (thread.calls > outer) continue;
      const at = timers.next;
      if (at === null) throw new Error('The rate budget waits for nothing.');
      await scheduler.reach(thread, 'timer of the rate budget');
      await clock.advanceTo(at);
      timers.fire();
    }
  }
}
