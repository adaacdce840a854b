import type { Dice } from '../dice.ts';

/** What a directory pushes over SCIM: the steps of each person and each group, in the directory's order. */

export type PersonStep =
  /** A create; a person who exists already is linked, as Okta does after a look-up. */
  | { readonly kind: 'assign' }
  | { readonly kind: 'change'; readonly to: { readonly displayName: string } }
  | { readonly kind: 'switch'; readonly active: boolean }
  /** The person is hired again, with a different id. */
  | { readonly kind: 'rehire' }
  /** The directory gives the person a different id, while they are active. */
  | { readonly kind: 'move' }
  /** The person signs in with the id of their tokens, or with the one that the directory shows. */
  | { readonly kind: 'visit'; readonly as: 'token' | 'shown' }
  | { readonly kind: 'delete'; readonly policy: 'deactivate' | 'delete' };

export type GroupStep =
  | { readonly kind: 'make' }
  | { readonly kind: 'add' | 'remove'; readonly who: PersonScript }
  | { readonly kind: 'rename'; readonly to: string }
  | { readonly kind: 'drop' };

/** The latest state of a person in the directory. */
export interface SaidOfPerson {
  readonly externalId: string;
  readonly userName: string;
  readonly displayName: string;
  readonly active: boolean;
  /** The SCIM resource was deleted. */
  readonly isDeleted: boolean;
  /** The person must be deleted in Box, too. */
  readonly isRemoved: boolean;
}

export interface SaidOfGroup {
  readonly name: string;
  /** The ids of the members in Foyer. */
  readonly members: ReadonlySet<string>;
  readonly isDeleted: boolean;
}

interface Script<S, T> {
  /** When its next step is due, on the schedule's clock, in milliseconds. */
  at: number;
  readonly steps: readonly S[];
  /** The id of the resource, once it is known. */
  id: string | null;
  /** The number of steps that got a response. */
  done: number;
  said: T | null;
}
export interface PersonScript extends Script<PersonStep, SaidOfPerson> {
  readonly kind: 'person';
  readonly subject: string;
  /** The time between two of its steps, in milliseconds. */
  readonly pauseMs: number;
  /** The last title that a parallel script pushed. */
  title: string;
  /** The sessions that existed when the current step started. */
  sessions: readonly string[] | null;
  /** The id with which the person signed in before the directory pushed them; null for none. */
  readonly tokenId: string | null;
}
export interface GroupScript extends Script<GroupStep, SaidOfGroup> {
  readonly kind: 'group';
  readonly name: string;
}
/** A parallel script for the same person: it changes only what the main script does not. */
export interface HandScript {
  readonly kind: 'hand';
  readonly at: number;
  readonly of: PersonScript;
  readonly steps: readonly { readonly title: string }[];
  done: number;
}
export type AnyScript = PersonScript | GroupScript | HandScript;

export const isOver = ({ done, steps }: AnyScript): boolean => done === steps.length;

/** Whether its next step can run: a group waits for the people in its step, a parallel script for its person. */
export function isDue(script: AnyScript, now: number): boolean {
  if (now < script.at) return false;
  if (script.kind === 'hand') return script.of.said !== null && !script.of.said.isDeleted;
  if (script.kind === 'person') return true;
  const step = script.steps[script.done];
  return step === undefined || !('who' in step) || step.who.id !== null;
}

/** Before a script, and between a person's steps, in milliseconds: mostly none, so that many run at the same time. */
const pauses = [0, 0, 0, 2_000, 40_000] as const;

/** What a person must do so that a boundary can be met while Box's answer to the call is in doubt. */
const courses: readonly { readonly target: RegExp; readonly steps: readonly PersonStep[] }[] = [
  {
    target: /delete_?user|DELETE \/2.0\/users|forgetAccount/i,
    steps: [
      { kind: 'assign' },
      { kind: 'delete', policy: 'delete' },
      { kind: 'assign' },
      { kind: 'delete', policy: 'deactivate' },
    ],
  },
  {
    target: /create_?user|POST \/2.0\/users/i,
    steps: [{ kind: 'assign' }, { kind: 'switch', active: false }],
  },
];
/** Long enough for the first attempt at the step before, and too short for the second one. */
const COURSE_PAUSE_MS = 2_000;

export class Directory {
  readonly people: readonly PersonScript[];
  readonly groups: readonly GroupScript[];
  readonly hands: readonly HandScript[];

  private constructor(
    people: readonly PersonScript[],
    groups: readonly GroupScript[],
    hands: readonly HandScript[],
  ) {
    this.people = people;
    this.groups = groups;
    this.hands = hands;
  }

  get all(): readonly AnyScript[] {
    return [...this.people, ...this.groups, ...this.hands];
  }

  /**
   * Empty in one of three schedules; otherwise one to three people and perhaps a group of them. In one of three there is
   * also a person whose ids change. `moving` decides about them alone, so that the other schedules stay as they are.
   */
  static some(dice: Dice, moving: Dice, target: string | null): Directory {
    const { people, groups, hands } = Directory.#crew(dice, target);
    return new Directory(moving.oneIn(3) ? [...people, someMover(moving)] : people, groups, hands);
  }

  static #crew(dice: Dice, target: string | null): Directory {
    const isAimed = target !== null && /scim|group|member|sealer|delete/i.test(target);
    const course = courses.find((one) => target !== null && one.target.test(target))?.steps;
    if (!isAimed && !course && dice.oneIn(3)) return new Directory([], [], []);
    const hasGroup = isAimed ? /group|member/i.test(target) || dice.oneIn(2) : dice.oneIn(2);
    const count = dice.between(1, hasGroup ? 3 : 2);
    const people = Array.from({ length: count }, (_, n) => {
      const person = somePerson(dice, n);
      // Part of the course at times, so that each of its steps is the last one in some schedules.
      return n > 0 || course === undefined
        ? person
        : { ...person, steps: course.slice(0, dice.between(2, course.length)), pauseMs: COURSE_PAUSE_MS };
    });
    // Assigning a person a second time sends all attributes again, so such a person gets no parallel script.
    const steady = people.filter(({ steps }) => steps.filter(({ kind }) => kind === 'assign').length === 1);
    const hands = steady.filter(() => dice.oneIn(3)).map((of) => someHand(dice, of));
    return new Directory(people, hasGroup ? [someGroup(dice, people, target)] : [], hands);
  }
}

function somePerson(dice: Dice, n: number): PersonScript {
  const subject = `00upushed${n}`;
  const steps: PersonStep[] = [{ kind: 'assign' }];
  let isThere = true;
  let isActive = true;
  for (let more = dice.between(0, 4); more > 0; more--) {
    if (!isThere) {
      steps.push({ kind: 'assign' });
      [isThere, isActive] = [true, true];
    } else if (!isActive && dice.oneIn(3)) {
      steps.push({ kind: 'rehire' });
      isActive = true;
    } else if (dice.oneIn(4)) {
      const displayName = dice.pick(['Ada Pushed', 'Ada Countess', 'Ada Again']);
      steps.push({ kind: 'change', to: { displayName } });
    } else if (dice.oneIn(5)) {
      steps.push({ kind: 'delete', policy: dice.pick(['deactivate', 'delete']) });
      isThere = false;
    } else {
      isActive = !isActive;
      steps.push({ kind: 'switch', active: isActive });
    }
  }
  const nothing = { id: null, done: 0, said: null, title: '', sessions: null, tokenId: null };
  return { kind: 'person', at: dice.pick(pauses), pauseMs: dice.pick(pauses), subject, steps, ...nothing };
}

/**
 * A person whose ids change. They may have signed in before the directory pushes them, with an id that only their tokens
 * have, which then leads to the same person for ever.
 */
function someMover(dice: Dice): PersonScript {
  const subject = '00umover';
  const tokenId = dice.oneIn(2) ? '00utoken' : null;
  const visit = (): PersonStep => ({
    kind: 'visit',
    as: tokenId !== null && dice.oneIn(2) ? 'token' : 'shown',
  });
  const steps: PersonStep[] = tokenId === null ? [] : [{ kind: 'visit', as: 'token' }];
  steps.push({ kind: 'assign' });
  for (let more = dice.between(1, 2); more > 0; more--) steps.push(visit(), { kind: 'move' });
  if (dice.oneIn(2)) steps.push(visit());
  if (dice.oneIn(4)) steps.push({ kind: 'switch', active: false });
  const nothing = { id: null, done: 0, said: null, title: '', sessions: null };
  const time = { at: dice.pick(pauses), pauseMs: dice.pick(pauses) };
  return { kind: 'person', ...time, subject, steps, tokenId, ...nothing };
}

const someHand = (dice: Dice, of: PersonScript): HandScript => ({
  kind: 'hand',
  at: dice.pick(pauses),
  of,
  steps: Array.from({ length: dice.between(1, 2) }, (_, n) => ({ title: `Keeper ${n}` })),
  done: 0,
});

function someGroup(dice: Dice, people: readonly PersonScript[], target: string | null): GroupScript {
  const name = 'Crew';
  const isAboutItsEnd = target !== null && /groups\.remove|delete_?group|DELETE \/2.0\/groups/i.test(target);
  const steps: GroupStep[] = [{ kind: 'make' }];
  for (let more = dice.between(1, 5); more > 0; more--) {
    const who = dice.pick(people);
    if (dice.oneIn(6)) steps.push({ kind: 'rename', to: dice.pick(['Crew', 'Guild', 'Order']) });
    else if (more === 1 && (isAboutItsEnd || dice.oneIn(6))) steps.push({ kind: 'drop' });
    else steps.push({ kind: dice.oneIn(3) ? 'remove' : 'add', who });
  }
  return { kind: 'group', at: dice.pick(pauses), name, steps, id: null, done: 0, said: null };
}

/** The external id in the current step. */
export const externalIdOf = ({ steps, done, subject }: PersonScript): string => {
  const changes = steps.slice(0, done + 1).filter(({ kind }) => kind === 'rehire' || kind === 'move').length;
  return changes === 0 ? subject : `${subject}r${changes}`;
};

/** All ids that the person ever had: a Box user under any of them is theirs. */
export function idsOf(script: PersonScript): ReadonlySet<string> {
  const shown = script.steps.map((_, done) => externalIdOf({ ...script, done }));
  return new Set([...shown, ...(script.tokenId === null ? [] : [script.tokenId])]);
}

/** Whether their resource was ever deleted: this removes them from all groups, before or after a group's own push. */
export const wasDeleted = ({ steps, done }: PersonScript): boolean =>
  steps.slice(0, done).some(({ kind }) => kind === 'delete');
