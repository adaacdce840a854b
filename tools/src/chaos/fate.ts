import type { Dice } from '../dice.ts';
import type { Parked, Thread } from './scheduler.ts';

/** Events between two steps that affect all actors. */
export const events = [
  'the leases run out',
  'some time passes',
  'the queue is flushed',
  'a job is lost',
  'a job comes twice',
  'PostgreSQL restarts',
  'a worker is asked to stop',
] as const;
export type WorldEvent = (typeof events)[number];

export type Verdict =
  | { readonly kind: 'go'; readonly fault: number | null }
  | { readonly kind: 'kill' }
  /** The thread continues, but its worker is asked to stop. */
  | { readonly kind: 'stop' };

/**
 * A fault that is certain to happen, or a request to a worker to stop, the next time a thread is at such a boundary.
 */
interface Cue {
  readonly at: RegExp;
  readonly fault?: string;
  readonly stops?: true;
}

const ADDING = /^http POST \/2.0\/group_memberships before/;
const lostCreate: Cue = { at: /^http POST \/2.0\/users after/, fault: 'reply lost' };
const shownNobody: Cue = { at: /external_app_user_id before/, fault: 'shows nobody' };
const refused: Cue = { at: /^http POST \/2.0\/users before/, fault: '403' };

/** The faults that lead to a boundary that few schedules reach otherwise. */
const stages: readonly { readonly target: RegExp; readonly cues: readonly Cue[] }[] = [
  { target: /read_?user|users\/:id$|GET \/2.0\/users\/:id/i, cues: [lostCreate, shownNobody] },
  { target: /find_?user|external_app_user_id/i, cues: [lostCreate] },
  {
    target: /intake\.retry: rollback/,
    cues: [
      refused,
      { at: /^sql intake.retry: update provisioning_request, .* before/, fault: 'connection lost' },
    ],
  },
  { target: /store\.fail|intake\.retry/, cues: [refused] },
  { target: /memberRefused/, cues: [{ at: ADDING, fault: '403' }] },
  { target: /read_?group|GET \/2.0\/groups\/:id /i, cues: [{ at: ADDING, fault: 'not found' }] },
  {
    target: /groups\.remove: rollback/,
    cues: [{ at: /^sql scim.groups.remove: update scim_group before/, fault: 'connection lost' }],
  },
  {
    target: /noteWait|budget\.refuse|store\.retry/,
    cues: [{ at: /^http POST \/2.0\/users before/, fault: '429' }],
  },
  {
    target: /rollback|asked again/,
    cues: [{ at: /^sql intake.admit: insert identity, .* before/, fault: 'connection lost' }],
  },
  { target: /handBack/, cues: [{ at: /^port store.take after/, stops: true }] },
];

/** Targets that are reached only when a person returns with another name. */
const RENAMED = /update_?user|PUT/i;

const go = { kind: 'go', fault: null } as const;

/**
 * Decides from the seed what happens where: a few kills, faults and events in each schedule, then none, so that
 * everything can finish. One kill is aimed at a listed boundary, so that the rare ones are covered, too.
 */
export class Fate {
  readonly #dice: Dice;
  readonly target: string | null;
  /** How often the target is passed before the kill. */
  #passes: number;
  #cues: readonly Cue[];
  #kills: number;
  /** The faults that may still happen, and the chance of each: one in this number. */
  readonly #faults: Record<'sql' | 'http' | 'port', { left: number; readonly oneIn: number }>;
  #events: number;
  #alsoAt: string | null;

  /** `alsoAt`: one more kill, when that boundary is first reached; until then the schedule is the same without it. */
  constructor(dice: Dice, target: string | null, alsoAt: string | null) {
    this.#alsoAt = alsoAt;
    this.#dice = dice;
    this.target = target;
    this.#cues = stages.find((stage) => target !== null && stage.target.test(target))?.cues ?? [];
    this.#passes = this.#cues.length > 0 || dice.oneIn(2) ? 0 : dice.between(0, 2);
    this.#kills = dice.between(0, 2);
    this.#faults = {
      sql: { left: dice.between(0, 3), oneIn: 50 },
      http: { left: dice.between(0, 4), oneIn: 3 },
      port: { left: dice.between(0, 2), oneIn: 3 },
    };
    this.#events = dice.between(0, 5);
  }

  /** Whether a person must return with another name to reach the target. */
  get needsRename(): boolean {
    return this.target !== null && RENAMED.test(this.target);
  }

  event(): WorldEvent | null {
    if (this.#events === 0 || !this.#dice.oneIn(40)) return null;
    this.#events -= 1;
    return this.#dice.pick(events);
  }

  pick<T>(ready: readonly T[]): T {
    return this.#dice.pick(ready);
  }

  at(thread: Thread, { boundary, faults }: Parked): Verdict {
    if (thread.actor.isOurs && this.#isTargeted(boundary)) return { kind: 'kill' };
    const [cue] = this.#cues;
    if (cue?.at.test(boundary)) {
      this.#cues = this.#cues.slice(1);
      return cue.stops ? { kind: 'stop' } : { kind: 'go', fault: faults.indexOf(cue.fault ?? '') };
    }
    if (thread.actor.isOurs && this.#kills > 0 && this.#dice.oneIn(80)) {
      this.#kills -= 1;
      return { kind: 'kill' };
    }
    const kind = boundary.startsWith('sql') ? 'sql' : boundary.startsWith('http') ? 'http' : 'port';
    const chance = this.#faults[kind];
    if (faults.length === 0 || chance.left === 0 || !this.#dice.oneIn(chance.oneIn)) return go;
    chance.left -= 1;
    return { kind: 'go', fault: this.#dice.between(0, faults.length - 1) };
  }

  #isTargeted(boundary: string): boolean {
    if (boundary === this.#alsoAt) {
      this.#alsoAt = null;
      return true;
    }
    if (boundary !== this.target || this.#passes < 0) return false;
    this.#passes -= 1;
    return this.#passes < 0;
  }
}
