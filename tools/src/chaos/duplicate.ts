import { Dice } from '../dice.ts';
import type { Visit } from './actors/gateway.ts';
import type { Directory, PersonScript } from './directory.ts';
import { ISSUER } from './world.ts';

/** A second account of a person: it signs in as somebody of its own until it is known to be the same person. */

export const DUPLICATE = '00udouble';

/** An operator merges the duplicate and somebody else, in either order. */
export interface MergeScript {
  readonly kind: 'merge';
  at: number;
  /**
   * The merge follows this sign-in of the identity that stays, at best as soon as a worker has taken it and before there is
   * a Box user.
   */
  readonly after: Visit | null;
  /** How often the operator looks whether a worker has taken it. */
  looks: number;
  readonly steps: readonly ['merge'];
  done: number;
  /** The ids in the directory: that of the identity that stays, and that of the other one. */
  readonly staying: string;
  readonly other: string;
  /** Both identities, once they exist. */
  pair: { readonly staying: string; readonly other: string } | null;
  /** The sessions of both that existed when the merge was asked for. */
  sessions: readonly string[] | null;
  tries: number;
  isMerged: boolean;
}

/** Choices of its own, so that schedules without a duplicate stay the same. */
const diceOf = (seed: number): Dice => new Dice(seed ^ 0x6d65_7267);
const SCHEDULES_WITH_ONE = 4;
const times = [0, 500, 5_000, 40_000, 120_000] as const;
/** When the others have their Box users, mostly. */
const LATE = 120_000;
const MOST_LOOKS = 60;

const signIn = (dice: Dice): Visit => ({
  person: {
    ...{ issuer: ISSUER, subject: DUPLICATE, username: 'double@example.com', email: 'double@example.com' },
    name: dice.pick(['Ada Double', 'Ada Twice']),
  },
  ...{ cause: 'sign-in', at: dice.pick(times), answered: false },
});

/**
 * In some schedules: the sign-ins of a duplicate, and its end. Either an operator merges it with somebody, or the
 * directory pushes its id as that of a person (`claim`).
 */
export function someDuplicate(
  seed: number,
  {
    target,
    visits,
    directory,
  }: { readonly target: string | null; readonly visits: readonly Visit[]; readonly directory: Directory },
): { readonly visits: readonly Visit[]; readonly merges: readonly MergeScript[] } {
  const dice = diceOf(seed);
  const isAimed = target !== null && /merge/i.test(target);
  if (!dice.oneIn(SCHEDULES_WITH_ONE) && !isAimed) return { visits: [], merges: [] };
  const signIns = Array.from({ length: dice.between(1, 3) }, () => signIn(dice));
  const claimant = directory.people.find(isThereAtTheEnd);
  if (claimant && !isAimed && dice.oneIn(2)) {
    claimant.steps.push({ kind: 'claim', externalId: DUPLICATE });
    return { visits: signIns, merges: [] };
  }
  const pushed = directory.people.map(({ subject }) => subject);
  const partner = dice.pick([...pushed, ...visits.map(({ person }) => person.subject)]);
  // SCIM would manage the one that ends, which is refused.
  const stays = pushed.includes(partner) || dice.oneIn(3);
  const [staying, other] = stays ? [partner, DUPLICATE] : [DUPLICATE, partner];
  const nothing = { pair: null, sessions: null, tries: 0, looks: 0, isMerged: false, done: 0 };
  const merge = { kind: 'merge', steps: ['merge'], staying, other, ...nothing } as const;
  if (staying !== DUPLICATE || dice.oneIn(4))
    return { visits: signIns, merges: [{ ...merge, at: dice.pick(times), after: null }] };
  const late = { ...signIn(dice), at: LATE };
  return { visits: [late], merges: [{ ...merge, at: 0, after: late, looks: dice.between(0, MOST_LOOKS) }] };
}

/** Whether the directory has the person, active, after the last of its steps. */
const isThereAtTheEnd = ({ steps }: PersonScript): boolean => {
  const last = steps.at(-1);
  const switches = steps.filter(({ kind }) => kind === 'switch' || kind === 'rehire').at(-1);
  const isOff = switches?.kind === 'switch' && !switches.active;
  return last?.kind !== 'delete' && !isOff;
};
