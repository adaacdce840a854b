import { Inject, Injectable } from '@nestjs/common';
import { Requests, RequestWatch, type RequestVersion, type Scope } from '@foyer/persistence';
import { Shutdown } from '../http/shutdown.ts';
import type { Place } from '../limits/place.ts';
import { Places } from '../limits/tally.ts';
import { CONFIG, type Parts } from '../parts.ts';

/** Answers held at once in one process; beyond that, answers are given at once. */
const mostHeld = 1_000;

interface Hold {
  readonly timeoutMs: number;
  /** Whose answer it is, for `isOpenTo`. */
  readonly caller: string;
  /** What the request holds; it is lent to others while it waits. */
  readonly place: Place | undefined;
  /** Whether the answer is worth giving now. `first` is how things stood when the client asked. */
  readonly worthTelling: (now: RequestVersion, first: RequestVersion) => boolean;
  /** Whether the client may still be told: asked each time, for a session may end while its answer is held. */
  readonly mayKnow: () => Promise<boolean>;
  /** Calls back when the client goes away, and gives what stops listening. */
  readonly onGone: (leave: () => void) => () => void;
}

/** Holds answers until a request changes: each waits for news of its own request; the watch wakes it once a second at the most without. */
@Injectable()
export class Holding {
  private readonly held = new Set<AbortController>();
  private readonly ofCaller: Places;

  constructor(
    private readonly requests: Requests,
    private readonly watch: RequestWatch,
    private readonly shutdown: Shutdown,
    @Inject(CONFIG) { HELD_ANSWERS_PER_CALLER }: Parts['config'],
  ) {
    this.ofCaller = new Places(HELD_ANSWERS_PER_CALLER);
    shutdown.signal.addEventListener('abort', () => {
      for (const leaving of this.held) leaving.abort();
    });
  }

  /** Whether another answer may be held, for this caller. */
  isOpenTo(caller: string): boolean {
    return !this.shutdown.signal.aborted && this.held.size < mostHeld && this.ofCaller.has(caller);
  }

  /**
   * The version when it is worth telling, the time is up, the client has gone or the server stops; null for no request, or
   * when the client may not be told any more.
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
        // Listening begins before reading, so that no change falls in between.
        const news = this.watch.next(id, left, leaving.signal);
        const now = await this.requests.version(id, scope);
        first ??= now;
        // Asked after reading, for what was read before a session ended was theirs. Who just came was let in just now.
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
