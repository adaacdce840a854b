import { Intake, type IdempotencyClaim, type OpenedRequest } from '@foyer/persistence';
import { BackgroundRoom } from '@foyer/provisioning';
import { laneOf, type Person, type RequestCause } from '@foyer/shared';
import type { Dice } from '../../dice.ts';
import type { AnyScript, Directory } from '../directory.ts';
import { bounded } from '../boundaries/ports.ts';
import { Actor, type Thread } from '../scheduler.ts';
import { signIn } from '../sessions.ts';
import { ISSUER, type Running, type World } from '../world.ts';
import { directoryDoor } from './directory-door.ts';
import { openQueue } from './queue-port.ts';

/** A person who signs in, or a push for one. Repeated until answered, whichever process dies meanwhile. */
export interface Visit {
  readonly person: Person;
  readonly cause: RequestCause;
  readonly claim?: IdempotencyClaim;
  /** The time of the visit, on the schedule's clock. */
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
/** At once, while the first visit is under way, or after it. */
const comings = [0, 0, 1_000, 30_000, 90_000] as const;

/**
 * A few people, each with one to three visits: the same sign-in twice at once, with another name, or a push over the
 * API.
 */
export function someVisits(dice: Dice, needsRename: boolean): Visit[] {
  const people = dice.between(1, 3);
  const visits = Array.from({ length: people }, (_, n) => n).flatMap((n) =>
    Array.from({ length: dice.between(1, 3) }, (_none, visit) => someVisit(dice, n, visit)),
  );
  if (!needsRename) return visits;
  // Perhaps change the name back, so that an update without a known result is no longer desired.
  const { person } = visits[0]!;
  const renamed = { person: { ...person, name: RENAMED }, cause: 'sign-in', at: 200_000 } as const;
  const back = { person, cause: 'sign-in', at: 200_000 + dice.pick([1, 500, 5_000]) } as const;
  const more = dice.oneIn(2) ? [renamed, back] : [renamed];
  return [...visits, ...more.map((visit) => ({ ...visit, answered: false }))];
}

/** Sign-ins, at any time, of people whom the directory pushes. */
export function someSignIns(dice: Dice, { people }: Directory): Visit[] {
  // A person who was hired again has a different id from then on.
  const steady = people.filter(({ steps }) =>
    steps.every(({ kind }) => kind !== 'rehire' && kind !== 'move'),
  );
  return steady.flatMap(({ subject }): Visit[] => {
    const username = `${subject}@example.com`;
    const person = { issuer: ISSUER, subject, username, email: username, name: 'Ada Signed-In' };
    return dice.oneIn(2) ? [{ person, cause: 'sign-in', at: dice.pick(comings), answered: false }] : [];
  });
}

function someVisit(dice: Dice, n: number, visit: number): Visit {
  const cause = dice.oneIn(3) ? 'api' : 'sign-in';
  const name = dice.oneIn(2) ? names[0] : dice.pick(names);
  const username = `person${n}@example.com`;
  const person = {
    issuer: ISSUER,
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
  readonly push: (script: AnyScript) => void;
}

/** A gateway: each visit is a thread of its own. */
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
  // Several visits share one reading, so a boundary inside it would make one visit wait for another.
  const room = new BackgroundRoom({ depth: async () => world.queue.depth() }, () => clock.now);

  /**
   * Like the gateway's intake: no visit waits for the queue or fails with it, and the relay enqueues what is missing.
   */
  const enqueue = async (thread: Thread, made: OpenedRequest): Promise<void> => {
    if (!made.isNew) return;
    const { requestId, job, priority } = made;
    try {
      await scheduler.reach(thread, 'gateway looks for room in the queue');
      if (laneOf(priority) === 'background' && !(await room.isFree())) return;
      await queue.add([{ name: job, payload: { requestId }, priority }], 500);
    } catch {
      scheduler.trace.push('  not enqueued');
    }
  };
  const admit = async (thread: Thread, { person, cause, claim }: Visit): Promise<void> => {
    const admission = await intake.admit(person, cause, claim);
    if (cause === 'sign-in' && 'identity' in admission)
      await signIn(world, admission.identity.id, admission.identity.sessionEpoch);
    if (admission.kind === 'requested') await enqueue(thread, admission);
  };
  const retry = async (thread: Thread, { requestId }: OperatorsRetry): Promise<void> => {
    const admission = await intake.retry(requestId);
    if (admission.kind === 'requested') await enqueue(thread, admission);
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
  const push = directoryDoor(context, intake, async (thread, requests) => {
    for (const made of requests) await enqueue(thread, made);
  });
  return { actor, role, open, push, drop: () => undefined };
}
