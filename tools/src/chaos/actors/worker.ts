import { createBox, type Box } from '@foyer/box';
import { BoxBudgetStore, PrismaCallLog, PrismaConvergenceStore, PrismaGroupStore } from '@foyer/persistence';
import {
  RateLimiter,
  limitsOf,
  runGroupAttempt,
  runAttempt,
  type Budget,
  type GroupLease,
  type GroupStore,
  type JobEnd,
  type AttemptNews,
} from '@foyer/provisioning';
import type { JobName } from '@foyer/shared';
import { Timers } from '../clock.ts';
import { bounded, WaitingPurse } from '../boundaries/ports.ts';
import type { Given } from '../queue.ts';
import { Actor } from '../scheduler.ts';
import { times, type Context, type Role, type Running, type World } from '../world.ts';

/** A provisioner's worker: takes jobs and makes one attempt after the other, until it is stopped or killed. */
export function startWorker(world: World, role: Role, life: number): Running {
  const { scheduler, queue } = world;
  const actor = new Actor(role, life);
  const stopping = new AbortController();
  const turns = turnsOf({ world, role, scheduler, actor }, stopping.signal);
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
        end(await turns[job.name](job.payload.requestId, job.priority));
      } catch {
        end('threw');
      }
      given = null;
    }
  });
  return { actor, role, stop: () => stopping.abort(), drop: () => given?.abandon() };
}

type Turns = Record<JobName, (requestId: string, priority: number) => Promise<JobEnd>>;

function turnsOf(context: Context, stopping: AbortSignal): Turns {
  const { world, role, scheduler } = context;
  const { house, tenantId, app, dice } = world;
  const { database } = house.desks[role];
  const options = {
    leaseMs: times.lease,
    relayGraceMs: times.relayGrace,
    boxApp: { clientId: app.clientId, enterpriseId: app.enterpriseId },
  };
  const box = openBox(context);
  const parts = {
    ...{ box, budget: openBudget(context), policy: times.retry, stopping },
    tell: (news: AttemptNews) => void scheduler.trace.push(`  ${news.kind}`),
    random: () => dice.fraction(),
  };
  const people = bounded(new PrismaConvergenceStore(database, tenantId, options), context, {
    ...endings,
    saveAccount: 'store.saveAccount',
    forgetAccount: 'store.forgetAccount',
    markMissing: 'store.markMissing',
    restoreAccount: 'store.restoreAccount',
  });
  const groups = bounded(oneByOne(new PrismaGroupStore(database, tenantId, options)), context, {
    ...endings,
    begin: 'store.begin',
    saveGroup: 'store.saveGroup',
    noteMemberships: 'store.noteMemberships',
    memberTasks: 'store.memberTasks',
    noteTaken: 'store.noteTaken',
    memberAnswered: 'store.memberAnswered',
    memberAdded: 'store.memberAdded',
    memberFound: 'store.memberFound',
    memberRemoved: 'store.memberRemoved',
    memberRefused: 'store.memberRefused',
    noteMembers: 'store.noteMembers',
    finish: 'store.finish',
  });
  return {
    converge: (requestId, priority) => runAttempt(requestId, { ...parts, store: people }, priority),
    'converge-group': (requestId, priority) =>
      runGroupAttempt(requestId, { ...parts, store: groups }, priority),
  };
}

const endings = {
  take: 'store.take',
  noteWait: 'store.noteWait',
  succeed: 'store.succeed',
  fail: 'store.fail',
  retry: 'store.retry',
  handBack: 'store.handBack',
};

/** Calls about members run one at a time, because a worker is a single thread here. */
function oneByOne(store: GroupStore): GroupStore {
  return new Proxy(store, {
    get(target, key) {
      const method: unknown = Reflect.get(target, key);
      if (typeof method !== 'function') return method;
      if (key !== 'memberTasks') return (...args: unknown[]): unknown => Reflect.apply(method, target, args);
      return (lease: GroupLease, after: string | null) => target.memberTasks(lease, after, 1);
    },
  });
}

function openBox(context: Context): Box {
  const { world, role } = context;
  const { house, tenantId, app, clock, dice } = world;
  let operation = '';
  const log = new PrismaCallLog(house.desks[role].database, tenantId, times.lease);
  const box = createBox({
    auth: { kind: 'ccg', ...app },
    baseUrl: house.wire.url,
    timeoutMs: times.boxTimeout,
    chance: { now: () => clock.now, random: () => dice.fraction() },
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
    deleteUser: 'box.deleteUser',
    createGroup: 'box.createGroup',
    findGroup: 'box.findGroup',
    readGroup: 'box.readGroup',
    renameGroup: 'box.renameGroup',
    deleteGroup: 'box.deleteGroup',
    addMembership: 'box.addMembership',
    findMembership: 'box.findMembership',
    removeMembership: 'box.removeMembership',
    listMemberships: 'box.listMemberships',
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
  const limiter = new RateLimiter({ store, limits, clock: timers });
  return {
    permits: (urgency, limitMs) =>
      new WaitingPurse(limiter.permits(urgency, limitMs), { scheduler, actor, timers, clock }),
  };
}
