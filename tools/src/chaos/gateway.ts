import { Intake, type IdempotencyClaim } from '@foyer/persistence';
import { BackgroundRoom } from '@foyer/provisioning';
import { laneOf, priorityOf, type Person, type RequestCause } from '@foyer/shared';
import type { Dice } from '../dice.ts';
import { openQueue } from './actors.ts';
import { bounded } from './ports.ts';
import { Actor, type Thread } from './scheduler.ts';
import type { Running, World } from './world.ts';

/** Somebody at the door. Comes again until answered, whatever dies meanwhile. */
export interface Visit {
  readonly person: Person;
  readonly cause: RequestCause;
  readonly claim?: IdempotencyClaim;
  /** When they come, on the schedule's clock. */
  readonly at: number;
  answered: boolean;
}

/** An operator retries a failed request. */
export interface OperatorsRetry {
  readonly requestId: string;
  readonly at: number;
  answered: boolean;
}

const RENAMED = 'Ada Renamed';
const names = ['Ada Example', 'Ada Countess', 'Ada Newname'] as const;
/** At once, while the first is under way, or when it is over. */
const comings = [0, 0, 1_000, 30_000, 90_000] as const;

/** Some people, each once to three times: the same sign-in twice at once, with another name, or pushed over the API. */
export function someVisits(dice: Dice, needsRename: boolean): Visit[] {
  const people = dice.between(1, 3);
  const visits = Array.from({ length: people }, (_, n) => n).flatMap((n) =>
    Array.from({ length: dice.between(1, 3) }, (_none, visit) => someVisit(dice, n, visit)),
  );
  if (!needsRename) return visits;
  // And perhaps back: what an update left unsettled is then what nobody wants any more.
  const { person } = visits[0]!;
  const renamed = { person: { ...person, name: RENAMED }, cause: 'sign-in', at: 200_000 } as const;
  const back = { person, cause: 'sign-in', at: 200_000 + dice.pick([1, 500, 5_000]) } as const;
  const more = dice.oneIn(2) ? [renamed, back] : [renamed];
  return [...visits, ...more.map((visit) => ({ ...visit, answered: false }))];
}

function someVisit(dice: Dice, n: number, visit: number): Visit {
  const cause = dice.oneIn(3) ? 'api' : 'sign-in';
  const name = dice.oneIn(2) ? names[0] : dice.pick(names);
  const username = `person${n}@example.com`;
  const person = {
    issuer: 'https://example.okta.com',
    subject: `00uperson${n}`,
    username,
    email: username,
    name,
  };
  const key = { client: 'script', key: `${n}-${visit}`, bodyHash: name };
  const at = visit === 0 ? 0 : dice.pick(comings);
  return { person, cause, at, answered: false, ...(cause === 'api' && dice.oneIn(2) && { claim: key }) };
}

export interface Gateway extends Running {
  readonly open: (visit: Visit | OperatorsRetry) => void;
}

/** A gateway: each visit is a line of control of its own. */
export function startGateway(world: World, life: number): Gateway {
  const { scheduler, house, tenantId, clock } = world;
  const role = 'gateway';
  const actor = new Actor(role, life);
  const context = { world, role, scheduler, actor } as const;
  const intake = bounded(new Intake(house.desks[role].database, tenantId), context, {
    admit: 'intake.admit',
    retry: 'intake.retry',
  });
  const queue = openQueue(context);
  // One look serves several visits: a boundary inside of it would let one wait for another's.
  const room = new BackgroundRoom({ depth: async () => world.queue.depth() }, () => clock.now);

  /** As the gateway's intake does it: nobody waits for the queue, and its failure is no one's but the relay's. */
  const enqueue = async (thread: Thread, requestId: string, cause: RequestCause): Promise<void> => {
    const priority = priorityOf[cause];
    try {
      await scheduler.reach(thread, 'gateway looks for room in the queue');
      if (laneOf(priority) === 'background' && !(await room.isFree())) return;
      await queue.add([{ name: 'converge', payload: { requestId }, priority }], 500);
    } catch {
      scheduler.trace.push('  not enqueued');
    }
  };
  const admit = async (thread: Thread, { person, cause, claim }: Visit): Promise<void> => {
    const admission = await intake.admit(person, cause, claim);
    if (admission.kind === 'requested' && admission.isNew) await enqueue(thread, admission.requestId, cause);
  };
  const retry = async (thread: Thread, { requestId }: OperatorsRetry): Promise<void> => {
    const admission = await intake.retry(requestId);
    if (admission.kind === 'requested' && admission.isNew)
      await enqueue(thread, admission.requestId, 'operator');
  };
  const receive = async (thread: Thread, visit: Visit | OperatorsRetry): Promise<void> => {
    await scheduler.reach(thread, 'gateway waits for a visit', [], () => clock.now >= visit.at);
    while (!visit.answered) {
      try {
        await ('person' in visit ? admit(thread, visit) : retry(thread, visit));
        visit.answered = true;
      } catch (error) {
        scheduler.trace.push(`  not answered: ${error instanceof Error ? error.name : typeof error}`);
        await scheduler.reach(thread, 'gateway is asked again');
      }
    }
  };
  const open = (visit: Visit | OperatorsRetry): void => {
    scheduler.spawn(actor, 'visit', (thread) => receive(thread, visit));
  };
  return { actor, role, open, drop: () => undefined };
}
