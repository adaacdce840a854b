import { setTimeout as pause } from 'node:timers/promises';

/**
 * The longest pause between two questions to PostgreSQL whether a statement waits for a lock, in milliseconds. The
 * pauses grow up to it, so that on a busy machine the questions do not take the time of the statements.
 */
export const MOST_PATIENCE_MS = 80;

/** A process that dies as a whole: a worker, the gateway, a relay. `life` counts its predecessors. */
export class Actor {
  readonly role: string;
  readonly life: number;
  /** The network and people cannot be killed, and their boundaries are not counted. */
  readonly isOurs: boolean;
  dead = false;

  constructor(role: string, life: number, isOurs = true) {
    this.role = role;
    this.life = life;
    this.isOurs = isOurs;
  }

  get name(): string {
    return `${this.role}.${this.life}`;
  }
}

/** A thread that waits at a boundary. `faults`: the faults that may happen there. */
export interface Parked {
  readonly boundary: string;
  readonly faults: readonly string[];
  readonly ready: () => boolean;
  /** Lets the thread continue, with the fault of that index or with none. */
  readonly go: (fault: number | null) => void;
}

/** A sequential flow inside an actor; the scheduler lets one continue at a time. */
export class Thread {
  readonly actor: Actor;
  readonly name: string;
  /** The ports whose calls it is inside, innermost last; its SQL statements are named after them. */
  readonly ports: string[] = [];
  parked: Parked | null = null;
  ended = false;
  /** Tells whether its statement still waits for another thread's lock; null when no statement is waiting. */
  waitsForLock: (() => Promise<boolean>) | null = null;
  #yielded: () => void = () => undefined;
  /** The number of port calls it is inside, and the callbacks that wait for one to end. */
  #calls = 0;
  #leaving: (() => void)[] = [];

  constructor(actor: Actor, name: string) {
    this.actor = actor;
    this.name = name;
  }

  nextYield(): Promise<void> {
    return new Promise((resolve) => {
      this.#yielded = resolve;
    });
  }

  yield(): void {
    this.#yielded();
  }

  get calls(): number {
    return this.#calls;
  }

  enterCall(): void {
    this.#calls += 1;
  }

  leaveCall(): void {
    this.#calls -= 1;
    for (const tell of this.#leaving.splice(0)) tell();
  }

  /** Resolves when it is inside at most `most` calls. */
  async untilCalls(most: number): Promise<void> {
    while (this.#calls > most) await new Promise<void>((resolve) => this.#leaving.push(resolve));
  }

  get isOver(): boolean {
    return this.ended || this.actor.dead;
  }
}

/** A promise that never resolves, for threads of killed actors. */
export const never = (): Promise<never> => new Promise(() => undefined);

/** One turn of the event loop, in which real input and output continue. */
export const oneTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const always = (): boolean => true;

/**
 * Runs threads one at a time, from boundary to boundary: between two boundaries real statements and real HTTP exchanges
 * happen, but no other thread moves. So the picks determine the whole order, and a seed determines the picks.
 */
export class Scheduler {
  readonly trace: string[] = [];
  /** Threads that ended with an unexpected error. */
  readonly faults: string[] = [];
  /** Threads with an open transaction: a thread that waits for a lock waits for one of these. */
  readonly inTransaction = new Set<Thread>();
  /** Those with more than BEGIN: they may hold locks for which others wait. */
  readonly holding = new Set<Thread>();
  #threads: Thread[] = [];
  #current: Thread | null = null;

  /** The running thread: all code between two boundaries belongs to it. Throws when no thread runs. */
  get current(): Thread {
    if (!this.#current) throw new Error('Code of the simulation ran out of its turn.');
    return this.#current;
  }

  /** The running thread, or null between two steps. */
  get running(): Thread | null {
    return this.#current;
  }

  spawn(actor: Actor, name: string, run: (thread: Thread) => Promise<void>): Thread {
    const thread = new Thread(actor, `${actor.name} ${name}`);
    this.#threads.push(thread);
    void this.#run(thread, name, run);
    return thread;
  }

  /** Waits until the scheduler lets `thread` continue. Returns the fault that happens here, or null. */
  reach<F extends string>(
    thread: Thread,
    boundary: string,
    faults: readonly F[] = [],
    ready: () => boolean = always,
  ): Promise<F | null> {
    if (thread.actor.dead) return never();
    if (thread.parked) {
      // Such as a timer of a library: code that it resumes would run out of turn, and the first wait would never end.
      this.faults.push(`${thread.name} reached "${boundary}" while it waits at "${thread.parked.boundary}"`);
      return never();
    }
    return new Promise((resolve) => {
      thread.waitsForLock = null;
      const go = (fault: number | null): void => resolve(fault === null ? null : faults[fault]!);
      thread.parked = { boundary, faults, ready, go };
      thread.yield();
    });
  }

  /** Threads that can continue now, in the order of their creation. */
  ready(): { thread: Thread; parked: Parked }[] {
    this.#threads = this.#threads.filter((thread) => !thread.isOver);
    const ready = this.#threads.flatMap((thread) =>
      thread.parked?.ready() ? [{ thread, parked: thread.parked }] : [],
    );
    if (!this.anybodyWaitsForLock) return ready;
    // PostgreSQL may wake either of two threads that wait for one lock, so no second thread may start to wait.
    const quiet = ready.filter(({ thread, parked }) => {
      return (
        this.holding.has(thread) || !(parked.boundary.startsWith('sql') && parked.boundary.endsWith('before'))
      );
    });
    return quiet.length > 0 ? quiet : ready;
  }

  get anybodyWaitsForLock(): boolean {
    return this.#threads.some(({ waitsForLock, isOver }) => waitsForLock !== null && !isOver);
  }

  /** Lets a parked thread continue to its next boundary. */
  async step(thread: Thread, parked: Parked, fault: number | null): Promise<void> {
    this.trace.push(
      `${thread.name}: ${parked.boundary}${fault === null ? '' : ` ! ${parked.faults[fault]}`}`,
    );
    thread.parked = null;
    this.#current = thread;
    const yielded = thread.nextYield();
    parked.go(fault);
    await yielded;
    this.#current = null;
    await this.settleLocks();
  }

  /**
   * A released lock may let another thread's statement finish: waits until each thread is at its boundary or waits
   * again.
   */
  async settleLocks(): Promise<void> {
    for (const thread of this.#threads) {
      let patience = 1;
      while (!thread.isOver && thread.waitsForLock && !(await thread.waitsForLock())) {
        await pause(patience);
        patience = Math.min(2 * patience, MOST_PATIENCE_MS);
      }
    }
  }

  /** None of its threads continues. */
  kill(actor: Actor, why: string): void {
    this.trace.push(`${actor.name}: killed ${why}`);
    actor.dead = true;
    for (const thread of this.#threads) {
      if (thread.actor !== actor) continue;
      this.inTransaction.delete(thread);
      this.holding.delete(thread);
    }
  }

  async #run(thread: Thread, name: string, run: (thread: Thread) => Promise<void>): Promise<void> {
    try {
      await this.reach(thread, `${thread.actor.role} ${name} begins`);
      await run(thread);
    } catch (error) {
      this.faults.push(`${thread.name} threw: ${String(error)}`);
    }
    thread.ended = true;
    thread.yield();
  }
}
