import { createBox } from '@foyer/box';
import { BoxBudgetStore, PrismaCallLog, PrismaConvergenceStore, RelayStore } from '@foyer/persistence';
import {
  BudgetClerk,
  limitsOf,
  relayDue,
  takeTurn,
  type BoxPort,
  type Budget,
  type CallLog,
  type JobQueue,
  type TurnParts,
} from '@foyer/provisioning';
import { Timers } from './clock.ts';
import { bounded, WaitingPurse } from './ports.ts';
import type { Given } from './queue.ts';
import { Actor, type Scheduler } from './scheduler.ts';
import { times, type Role, type Running, type World } from './world.ts';

interface Context {
  readonly world: World;
  readonly role: Role;
  readonly scheduler: Scheduler;
  readonly actor: Actor;
}

/** A provisioner's worker: takes jobs, one turn after the other, until it is stopped or killed. */
export function startWorker(world: World, role: Role, life: number): Running {
  const { scheduler, queue } = world;
  const actor = new Actor(role, life);
  const stopping = new AbortController();
  const parts = turnParts({ world, role, scheduler, actor }, stopping.signal);
  let given: Given | null = null;
  scheduler.spawn(actor, 'worker', async (thread) => {
    const idle = (): boolean => queue.hasWork || stopping.signal.aborted;
    for (;;) {
      await scheduler.reach(thread, 'worker waits for a job', [], idle);
      if (stopping.signal.aborted) return;
      given = queue.take();
      if (!given) continue;
      const { job, end } = given;
      try {
        end(await takeTurn(job.payload.requestId, parts, job.priority));
      } catch {
        end('threw');
      }
      given = null;
    }
  });
  return { actor, role, stop: () => stopping.abort(), drop: () => given?.abandon() };
}

function turnParts(context: Context, stopping: AbortSignal): TurnParts {
  const { world, role, scheduler } = context;
  const { house, tenantId, app, dice } = world;
  const { database } = house.desks[role];
  const { sabotage } = house;
  const store = new PrismaConvergenceStore(database, tenantId, {
    leaseMs: times.lease,
    relayGraceMs: times.relayGrace,
    boxApp: { clientId: app.clientId, enterpriseId: app.enterpriseId },
  });
  return {
    store: bounded(sabotage.store?.(store) ?? store, context, {
      take: 'store.take',
      noteWait: 'store.noteWait',
      saveAccount: 'store.saveAccount',
      succeed: 'store.succeed',
      fail: 'store.fail',
      retry: 'store.retry',
      handBack: 'store.handBack',
    }),
    box: openBox(context, sabotage.log),
    budget: openBudget(context),
    policy: times.retry,
    stopping,
    tell: (news) => scheduler.trace.push(`  ${news.kind}`),
    random: () => dice.fraction(),
  };
}

function openBox(context: Context, sabotage: (log: CallLog) => CallLog = (log) => log): BoxPort {
  const { world, role } = context;
  const { house, tenantId, app } = world;
  let operation = '';
  const log = sabotage(new PrismaCallLog(house.desks[role].database, tenantId, times.lease));
  const box = createBox({
    auth: { kind: 'ccg', ...app },
    baseUrl: house.wire.url,
    timeoutMs: times.boxTimeout,
    log: bounded(log, context, {
      intend: (_context, intent) => {
        operation = operationOf(intent);
        return `log.intend(${operation})`;
      },
      conclude: () => `log.conclude(${operation})`,
    }),
  });
  return bounded(box, context, {
    createUser: 'box.createUser',
    findUser: 'box.findUser',
    readUser: 'box.readUser',
    updateUser: 'box.updateUser',
  });
}

const operationOf = (intent: unknown): string =>
  typeof intent === 'object' && intent !== null && 'operation' in intent ? String(intent.operation) : '';

function openBudget(context: Context): Budget {
  const { world, role, scheduler, actor } = context;
  const { house, app, clock } = world;
  const timers = new Timers(clock);
  const limits = limitsOf(times.callsPerMinute);
  const store = bounded(new BoxBudgetStore(house.desks[role].database, app, limits), context, {
    ask: 'budget.ask',
    refuse: 'budget.refuse',
  });
  const clerk = new BudgetClerk({ store, limits, clock: timers });
  return {
    purse: (urgency, limitMs) =>
      new WaitingPurse(clerk.purse(urgency, limitMs), { scheduler, actor, timers, clock }),
  };
}

/** Between two rounds of the relay, at most. */
const RELAY_EVERY_MS = 2_000;

/** The relay: a round now and then. `nextAt` is when the next may come. */
export function startRelay(world: World, life: number): Running & { readonly nextAt: () => number } {
  const { scheduler, house, tenantId, clock, dice } = world;
  const role = 'relay';
  const actor = new Actor(role, life);
  const context = { world, role, scheduler, actor } as const;
  const store = new RelayStore(house.desks[role].database, tenantId, times.relayGrace);
  const outbox = bounded(store, context, { due: (lane) => `outbox.due(${String(lane)})` });
  const queue = openQueue(context);
  const { signal } = new AbortController();
  let nextAt = 0;
  scheduler.spawn(actor, 'relay', async (thread) => {
    for (;;) {
      await scheduler.reach(thread, 'relay waits for its round', [], () => clock.now >= nextAt);
      try {
        await relayDue(outbox, queue, signal);
      } catch {
        scheduler.trace.push('  the round failed');
      }
      nextAt = clock.now + dice.between(RELAY_EVERY_MS / 4, RELAY_EVERY_MS);
    }
  });
  return { actor, role, drop: () => undefined, nextAt: () => nextAt };
}

const additions = [
  'times out',
  'times out, arrives later',
  'arrives twice',
  'arrives late',
  'is lost',
] as const;

/** The producer's side of the worst queue. */
export function openQueue({ world, scheduler }: Context): Pick<JobQueue, 'add' | 'depth'> {
  const { queue, dice } = world;
  const tooLate = (): Error => new DOMException('The queue did not answer in time.', 'TimeoutError');
  return {
    async add(jobs) {
      const thread = scheduler.current;
      const fault = await scheduler.reach(thread, 'port queue.add before', additions);
      if (fault === 'times out') throw tooLate();
      if (fault === null) queue.add(jobs);
      else if (fault === 'arrives twice') queue.add(jobs, { copies: 2 });
      else if (fault !== 'is lost') queue.add(jobs, { delayMs: dice.between(1, 30_000) });
      if (fault === 'times out, arrives later') throw tooLate();
      await scheduler.reach(thread, 'port queue.add after');
    },
    async depth() {
      await scheduler.reach(scheduler.current, 'port queue.depth');
      return queue.depth();
    },
  };
}
