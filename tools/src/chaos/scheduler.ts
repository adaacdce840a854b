/** What dies as a whole: a worker, the gateway, a relay. `life` counts those that stood in its place before. */
export class Actor {
  readonly role: string;
  readonly life: number;
  /** The network and the people outside cannot be killed; their boundaries are not counted. */
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

/** A thread that waits at a boundary. `faults`: what may fall there instead of nothing. */
export interface Parked {
  readonly boundary: string;
  readonly faults: readonly string[];
  readonly ready: () => boolean;
  /** Lets it go on, with the fault of that index or none. */
  readonly go: (fault: number | null) => void;
}

/** One line of control inside an actor; the scheduler lets one go on at a time. */
export class Thread {
  readonly actor: Actor;
  readonly name: string;
  /** The ports it is inside of, innermost last: what its SQL statements are named after. */
  readonly ports: string[] = [];
  parked: Parked | null = null;
  ended = false;
  /** Tells whether its statement still waits for somebody else's lock; null when no statement does. */
  waitsForLock: (() => Promise<boolean>) | null = null;
  #yielded: () => void = () => undefined;
  /** How many calls of ports it is inside of, and who waits for one to end. */
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

  /** Resolves when it is inside of no more calls than that. */
  async untilCalls(most: number): Promise<void> {
    while (this.#calls > most) await new Promise<void>((resolve) => this.#leaving.push(resolve));
  }

  get isOver(): boolean {
    return this.ended || this.actor.dead;
  }
}

/** What those who were killed wait for. */
export const never = (): Promise<never> => new Promise(() => undefined);

/** One turn of the event loop: real input and output goes on meanwhile. */
export const oneTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const always = (): boolean => true;

/**
 * Runs threads one at a time, from boundary to boundary: between two boundaries real statements and real HTTP exchanges
 * happen, but nobody else moves. So the order of everything is the order of the picks, and those come from a seed.
 */
export class Scheduler {
  readonly trace: string[] = [];
  /** Ends of threads that nobody expected. */
  readonly faults: string[] = [];
  /** Threads with an open transaction: whoever waits for a lock waits for one of them. */
  readonly inTransaction = new Set<Thread>();
  /** Those of them that have done more than begin: they may hold what others wait for. */
  readonly holding = new Set<Thread>();
  #threads: Thread[] = [];
  #current: Thread | null = null;

  /** The thread that runs; code between two boundaries is its. Throws when nobody's turn it is. */
  get current(): Thread {
    if (!this.#current) throw new Error('Code of the simulation ran out of its turn.');
    return this.#current;
  }

  /** The thread that runs, or null between two steps. */
  get running(): Thread | null {
    return this.#current;
  }

  spawn(actor: Actor, name: string, run: (thread: Thread) => Promise<void>): Thread {
    const thread = new Thread(actor, `${actor.name} ${name}`);
    this.#threads.push(thread);
    void this.#run(thread, name, run);
    return thread;
  }

  /** Waits here until the scheduler lets `thread` go on. Gives the fault that falls here, or null. */
  reach<F extends string>(
    thread: Thread,
    boundary: string,
    faults: readonly F[] = [],
    ready: () => boolean = always,
  ): Promise<F | null> {
    if (thread.actor.dead) return never();
    return new Promise((resolve) => {
      thread.waitsForLock = null;
      const go = (fault: number | null): void => resolve(fault === null ? null : faults[fault]!);
      thread.parked = { boundary, faults, ready, go };
      thread.yield();
    });
  }

  /** Threads that could go on now, in the order in which they were made. */
  ready(): { thread: Thread; parked: Parked }[] {
    this.#threads = this.#threads.filter((thread) => !thread.isOver);
    const ready = this.#threads.flatMap((thread) =>
      thread.parked?.ready() ? [{ thread, parked: thread.parked }] : [],
    );
    if (!this.anybodyWaitsForLock) return ready;
    // Of two that wait for one lock PostgreSQL may wake either first: nobody else comes to wait while one does.
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

  /** Lets a parked thread go on to its next boundary. */
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

  /** What was released may let somebody's statement end: waits until each is at its boundary or waits on. */
  async settleLocks(): Promise<void> {
    for (const thread of this.#threads) {
      while (!thread.isOver && thread.waitsForLock && !(await thread.waitsForLock())) await oneTurn();
    }
  }

  /** None of its threads ever goes on. */
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
