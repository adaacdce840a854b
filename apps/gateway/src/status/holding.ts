import { Inject, Injectable } from '@nestjs/common';
import { Requests, RequestWatch, type RequestVersion, type Scope } from '@foyer/persistence';
import { Shutdown } from '../http/shutdown.ts';
import type { Place } from '../limits/place.ts';
import { Places } from '../limits/tally.ts';
import { CONFIG, type ProcessContext } from '../context.ts';

/** The most responses held at once in one process; beyond that, responses are sent at once. */
const mostHeld = 1_000;

interface Hold {
  readonly timeoutMs: number;
  /** Who receives the response, for `isOpenTo`. */
  readonly caller: string;
  /** The places of the request, which are lent to others while it waits. */
  readonly place: Place | undefined;
  /** Whether the response is worth sending now. `first` is the version when the client asked. */
  readonly worthTelling: (now: RequestVersion, first: RequestVersion) => boolean;
  /**
   * Whether the client may still see the request: checked each time, because a session may end while its response is
   * held.
   */
  readonly mayKnow: () => Promise<boolean>;
  /** Calls back when the client disconnects, and returns the function that stops listening. */
  readonly onGone: (leave: () => void) => () => void;
}

/**
 * Holds responses until a request changes. Each waits for a change of its own request, and the watch wakes it at most
 * once a second without one.
 */
@Injectable()
export class Holding {
  private readonly held = new Set<AbortController>();
  private readonly ofCaller: Places;

  constructor(
    private readonly requests: Requests,
    private readonly watch: RequestWatch,
    private readonly shutdown: Shutdown,
    @Inject(CONFIG) { HELD_ANSWERS_PER_CALLER }: ProcessContext['config'],
  ) {
    this.ofCaller = new Places(HELD_ANSWERS_PER_CALLER);
    shutdown.signal.addEventListener('abort', () => {
      for (const leaving of this.held) leaving.abort();
    });
  }

  /** Whether another response may be held for this caller. */
  isOpenTo(caller: string): boolean {
    return !this.shutdown.signal.aborted && this.held.size < mostHeld && this.ofCaller.has(caller);
  }

  /**
   * The version when it is worth sending, the time is up, the client has disconnected or the server stops; null when
   * there is no request, or when the client may no longer see it.
   */
  async version(
    id: string,
    scope: Scope,
    { timeoutMs, caller, place, worthTelling, mayKnow, onGone }: Hold,
  ): Promise<RequestVersion | null> {
    const until = performance.now() + timeoutMs;
    const leaving = new AbortController();
    this.held.add(leaving);
    const leave = this.ofCaller.add(caller);
    const stopListening = onGone(() => leaving.abort());
    try {
      let first: RequestVersion | null = null;
      for (;;) {
        const left = Math.max(0, until - performance.now());
        // Listening starts before reading, so that no change is missed in between.
        const news = this.watch.next(id, left, leaving.signal);
        const now = await this.requests.version(id, scope);
        first ??= now;
        // Checked after reading, because data read before a session ended belongs to its owner. A new caller was
        // authenticated just now.
        if (first !== now && !(await mayKnow())) {
          news.cancel();
          return null;
        }
        const tell = now === null || first === null || worthTelling(now, first);
        if (tell || left === 0 || leaving.signal.aborted) {
          news.cancel();
          return now;
        }
        place?.lend();
        await news.changed;
        place?.reclaim();
      }
    } finally {
      stopListening();
      this.held.delete(leaving);
      leave();
    }
  }
}
