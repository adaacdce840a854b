import { Dice } from '../dice.ts';
import {
  someSignIns,
  someVisits,
  startGateway,
  type Gateway,
  type OperatorsRetry,
  type Visit,
} from './actors/gateway.ts';
import { startRelay } from './actors/relay.ts';
import { startSealer } from './actors/sealer.ts';
import { startWorker } from './actors/worker.ts';
import { violations } from './checks/invariants.ts';
import { WireCheck } from './checks/wire-check.ts';
import { setDatabaseClock } from './checks/witness.ts';
import { overrideClocks, VirtualClock } from './clock.ts';
import type { Coverage } from './coverage.ts';
import { Directory, isOver } from './directory.ts';
import { Fate, type WorldEvent } from './fate.ts';
import { failedRequest, nextDue } from './open-requests.ts';
import { WorstQueue } from './queue.ts';
import { Actor, Scheduler } from './scheduler.ts';
import { roles, times, workers, type House, type Role, type Running, type World } from './world.ts';

/** The result of a schedule. `violations` is empty when every promise was kept. */
export interface Outcome {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly trace: readonly string[];
}

/** Separates the choices about people whose ids change from all others of a seed. */
const MOVING = 0x6d6f7665;
const MAX_STEPS = 6_000;
/** After this many steps no more faults happen, so everything that was started must finish. */
const PEACE_AFTER = 1_500;
const MOST_RETRIES = 10;
/** One seed in this many restarts PostgreSQL for real, where that is possible. */
const REAL_RESTART_EVERY = 40;
const FIRST_JUMP_MS = 250;
const LONGEST_JUMP_MS = 30_000;

/** How to run a schedule. `listed`: the boundaries at which a kill may be aimed. `killAt`: see `Fate`. */
export interface ScheduleOptions {
  readonly listed: readonly string[];
  readonly coverage: Coverage;
  readonly killAt?: string | null;
}

/** Runs the schedule of one seed from the first sign-in to the last request's end. */
export async function runSchedule(house: House, seed: number, options: ScheduleOptions): Promise<Outcome> {
  const schedule = await Schedule.open(house, seed, options);
  try {
    return await schedule.run();
  } finally {
    await schedule.close();
  }
}

class Schedule {
  readonly #world: World;
  readonly #seed: number;
  readonly #coverage: Coverage;
  readonly #fate: Fate;
  readonly #check: WireCheck;
  readonly #network = new Actor('network', 1, false);
  readonly #actors = new Map<number, Actor>();
  readonly #skews = new Map<Actor, number>();
  readonly #running = new Map<Role, Running>();
  readonly #visits: (Visit | OperatorsRetry)[];
  readonly #directory: Directory;
  readonly #restoreClocks: () => void;
  #gateway: Gateway | null = null;
  #relayAt = (): number => 0;
  #jumpMs = FIRST_JUMP_MS;
  #lives = 0;
  #steps = 0;

  private constructor(world: World, seed: number, { listed, coverage, killAt = null }: ScheduleOptions) {
    this.#world = world;
    this.#seed = seed;
    this.#coverage = coverage;
    const { dice, scheduler, clock } = world;
    this.#fate = new Fate(dice, listed.length === 0 ? null : listed[seed % listed.length]!, killAt);
    this.#directory = Directory.some(dice, new Dice(seed + MOVING), this.#fate.target);
    this.#visits = [...someVisits(dice, this.#fate.needsRename), ...someSignIns(dice, this.#directory)];
    this.#check = new WireCheck(world, (pid) => this.#actors.get(pid));
    this.#restoreClocks = overrideClocks({
      now: () => clock.now,
      skewMs: () => (scheduler.running ? (this.#skews.get(scheduler.running.actor) ?? 0) : 0),
    });
  }

  static async open(house: House, seed: number, options: ScheduleOptions): Promise<Schedule> {
    const { admin, twin } = house;
    await setDatabaseClock(admin, 0);
    const app = { clientId: 'chaos', clientSecret: 'chaos-secret', enterpriseId: '900100' };
    await twin.reset();
    await twin.settings({ tokenLifetimeSeconds: 100_000_000 });
    await twin.app({ clientId: app.clientId, clientSecret: app.clientSecret });
    const [tenant] = await admin.query<{ id: string }>(
      `INSERT INTO tenant (slug, box_client_id, box_enterprise_id, box_bound_at)
       VALUES ('t-' || gen_random_uuid(), $1, $2, chaos.clock_timestamp()) RETURNING id`,
      [app.clientId, app.enterpriseId],
    );
    await admin.query('DELETE FROM box_budget');
    const dice = new Dice(seed);
    const clock = new VirtualClock((now) => setDatabaseClock(admin, now));
    const scheduler = new Scheduler();
    const queue = new WorstQueue(() => clock.now, dice);
    const world = { house, scheduler, clock, dice, queue, tenantId: tenant!.id, app };
    return new Schedule(world, seed, options);
  }

  async run(): Promise<Outcome> {
    await this.#startAll();
    const problems: string[] = [];
    while (!(await this.#isAtRest(problems))) await this.#advance();
    const { house, scheduler, tenantId, app } = this.#world;
    problems.push(...scheduler.faults, ...this.#check.violations);
    const { ledger, overtaken } = this.#check;
    const ended = { house, tenantId, clientId: app.clientId, ledger, overtaken, directory: this.#directory };
    const actorOf = (pid: number): Actor | undefined => this.#actors.get(pid);
    // A schedule that was cut short has unfinished work everywhere, so this is the only violation to report.
    if (scheduler.faults.length + this.#check.violations.length === 0)
      problems.push(...(await violations({ ...ended, actorOf })));
    return { seed: this.#seed, violations: [...new Set(problems)], trace: scheduler.trace };
  }

  /** Cuts off all actors that still run, so that the next schedule starts clean. */
  async close(): Promise<void> {
    const { house } = this.#world;
    house.wire.use(null);
    for (const { actor } of this.#running.values()) {
      actor.dead = true;
      house.wire.cut(actor);
    }
    for (const role of roles) await house.desks[role].leave();
    this.#restoreClocks();
  }

  async #startAll(): Promise<void> {
    this.#world.house.wire.use(this.#check.watch((deliver) => this.#deliverLate(deliver)));
    for (const role of roles) this.#start(role);
  }

  #deliverLate(deliver: () => Promise<void>): void {
    this.#world.scheduler.spawn(this.#network, 'late request', deliver);
  }

  #start(role: Role): void {
    this.#lives += 1;
    const running = this.#make(role, this.#lives);
    this.#running.set(role, running);
    // The worker's wall clock is wrong by minutes to days, in either direction, and that must change nothing.
    this.#skews.set(running.actor, this.#world.dice.pick([0, 0, 7_000, -3_600_000, 3_600_000, 86_400_000]));
    this.#world.house.desks[role].lend(this.#world.scheduler, running.actor, (pid) =>
      this.#actors.set(pid, running.actor),
    );
  }

  #make(role: Role, life: number): Running {
    if (role === 'relay') {
      const relay = startRelay(this.#world, life);
      this.#relayAt = relay.nextAt;
      return relay;
    }
    if (role === 'sealer') return startSealer(this.#world, life);
    if (role !== 'gateway') return startWorker(this.#world, role, life);
    const gateway = startGateway(this.#world, life);
    this.#gateway = gateway;
    for (const visit of this.#visits) if (!visit.answered) gateway.open(visit);
    for (const script of this.#directory.all) if (!isOver(script)) gateway.push(script);
    return gateway;
  }

  /** One step of one thread, or one event. */
  async #advance(): Promise<void> {
    const { scheduler } = this.#world;
    this.#steps += 1;
    const isPeace = this.#steps > PEACE_AFTER;
    const event = isPeace ? null : this.#fate.event();
    if (event) return this.#happen(event);
    const ready = scheduler.ready();
    if (ready.length === 0) return;
    const { thread, parked } = this.#fate.pick(ready);
    const { actor } = thread;
    const role = workers.find((worker) => worker === actor.role);
    const verdict = isPeace ? ({ kind: 'go', fault: null } as const) : this.#fate.at(thread, parked);
    if (actor.isOurs) this.#coverage.see(parked.boundary);
    if (verdict.kind === 'kill') return this.#kill(actor, parked.boundary);
    if (verdict.kind === 'stop') this.#running.get(role ?? 'relay')?.stop?.();
    const fault = verdict.kind === 'stop' ? null : verdict.fault;
    if (fault !== null) this.#coverage.fault(parked.faults[fault]!);
    await scheduler.step(thread, parked, fault);
    if (role && thread.ended) await this.#replace(role);
  }

  /** Starts the successor of a stopped actor, with connections of its own, so that its writes can be told apart. */
  async #replace(role: Role): Promise<void> {
    await this.#world.house.desks[role].takeBack();
    this.#start(role);
  }

  async #kill(actor: Actor, boundary: string): Promise<void> {
    const { scheduler, house } = this.#world;
    const role = roles.find((known) => known === actor.role)!;
    this.#coverage.kill(boundary);
    scheduler.kill(actor, `at ${boundary}`);
    this.#running.get(role)?.drop();
    house.wire.cut(actor);
    await house.desks[role].takeBack();
    await scheduler.settleLocks();
    this.#start(role);
  }

  async #happen(event: WorldEvent): Promise<void> {
    const { scheduler, queue, clock, dice } = this.#world;
    scheduler.trace.push(`* ${event}`);
    this.#coverage.fault(event);
    switch (event) {
      case 'the leases run out':
        return clock.advanceBy(times.lease + 1_000);
      case 'some time passes':
        return clock.advanceBy(dice.between(1, 6_000));
      case 'the queue is flushed':
        return queue.flush();
      case 'a job is lost':
        return queue.lose();
      case 'a job comes twice':
        return queue.duplicate();
      case 'PostgreSQL restarts':
        await this.#restartPostgres();
        return scheduler.settleLocks();
      case 'a worker is asked to stop':
        return this.#running.get(dice.pick(workers))?.stop?.();
    }
  }

  async #restartPostgres(): Promise<void> {
    const { admin, desks, restart } = this.#world.house;
    const all = roles.map((role) => desks[role]);
    // A real restart takes a second, so most are simulated; connections end the same way.
    if (restart && this.#seed % REAL_RESTART_EVERY === 0) {
      this.#coverage.fault('PostgreSQL crashes for real');
      await admin.close();
      await restart();
      await Promise.all(all.map((desk) => desk.untilGone()));
    } else {
      for (const desk of all) await desk.dropConnections();
    }
  }

  /** Whether nothing is left to do. When all threads wait for a time, the clock moves to it. */
  async #isAtRest(problems: string[]): Promise<boolean> {
    const { scheduler, queue, clock } = this.#world;
    if (scheduler.faults.length > 0 || this.#check.violations.length > 0) return true;
    if (this.#steps > MAX_STEPS) return problems.push(`no end after ${MAX_STEPS} steps`) > 0;
    if (scheduler.ready().length > 0) return false;
    if (scheduler.anybodyWaitsForLock) return problems.push('a thread waits for a lock without end') > 0;
    if (await this.#retryFailed(problems)) return problems.length > 0;
    const due = await nextDue(this.#world);
    const relay = due === null ? Infinity : Math.max(due, this.#relayAt());
    const visits = this.#visits.filter(({ answered }) => !answered).map(({ at }) => at);
    const scripts = this.#directory.all.filter((script) => !isOver(script) && script.at > clock.now);
    const next = Math.min(queue.nextAt ?? Infinity, relay, ...visits, ...scripts.map(({ at }) => at));
    if (next === Infinity) return true;
    await clock.advanceTo(Math.max(next + 1, clock.now + this.#jumpMs));
    this.#jumpMs = Math.min(2 * this.#jumpMs, LONGEST_JUMP_MS);
    return false;
  }

  /** An operator retries a failed request for which no new one is open. By a simulated clock, several may begin at once. */
  async #retryFailed(problems: string[]): Promise<boolean> {
    const { clock, dice } = this.#world;
    const first = await failedRequest(this.#world);
    if (!first) return false;
    const retries = this.#visits.filter((visit) => 'requestId' in visit).length;
    if (retries === MOST_RETRIES) return problems.push('requests fail after every retry') > 0;
    const { id: requestId, isPushed, ...person } = first;
    const soon = { at: clock.now, answered: false };
    const retry = { requestId, ...soon };
    // A machine may have pushed the same person meanwhile: the retry then finds that request and promotes it.
    const push = { person, cause: 'api', ...soon } as const;
    for (const visit of !isPushed && dice.oneIn(2) ? [push, retry] : [retry]) {
      this.#visits.push(visit);
      this.#gateway?.open(visit);
    }
    return true;
  }
}
