import type { ErrorCode, RequestOutcome } from '@foyer/shared';
import type { BoxPort, BoxResult } from '../people/box-port.ts';
import { converge } from '../people/converge.ts';
import type { BoxAccount, BoxUser, Desired, LastCreate } from '../people/model.ts';
import type { SaveResult, Taken } from '../people/store-port.ts';

/** Read access to Box and to our mapping. */
export interface BoxView {
  user(boxUserId: string): BoxUser | null;
  userWith(externalId: string): BoxUser | null;
  /** The identity that the Box user is mapped to, or null. */
  ownerOf(boxUserId: string): string | null;
}

export type Foreseen =
  | { readonly kind: 'outcome'; readonly outcome: RequestOutcome }
  | { readonly kind: 'fault'; readonly code: ErrorCode; readonly detail: string };

interface Standing {
  readonly desired: Desired;
  readonly account: BoxAccount | null;
  readonly lastCreate: LastCreate | null;
}

/** The id of a Box user that does not exist yet. */
const UNBORN = '0';
const never = new AbortController().signal;

/**
 * Predicts what a request would do by converging with a Box that only answers from `view`: it takes the same steps as a
 * worker, without calls or writes.
 */
export async function foresee(standing: Standing, view: BoxView): Promise<Foreseen> {
  const { identityId } = standing.desired;
  const lease = { identityId, requestId: '', token: 0n };
  const taken: Taken = { ...standing, lease, attempts: 1, failures: 0, effect: null };
  const saveAccount = async (_lease: unknown, { boxUserId }: BoxAccount): Promise<SaveResult> => {
    const owner = view.ownerOf(boxUserId);
    return owner === null || owner === identityId ? 'saved' : 'belongs-to-another';
  };
  const nothing = async () => {};
  const store = { saveAccount, markMissing: nothing, restoreAccount: nothing, forgetAccount: nothing };
  const ending = await converge(taken, { box: imagined(view), store, stopping: never });
  if (ending.kind === 'converged') return { kind: 'outcome', outcome: ending.outcome };
  if (ending.kind === 'handed-back') throw new Error('The work was not stopped.');
  return { kind: 'fault', code: ending.fault.code, detail: ending.fault.detail };
}

type Imagined = Pick<BoxPort, 'createUser' | 'findUser' | 'readUser' | 'updateUser' | 'deleteUser'>;

const ok = <T>(value: T): BoxResult<T> => ({ ok: true, value });
const refused = (code: ErrorCode, detail: string): BoxResult<never> => ({
  ok: false,
  fault: { code, detail, ambiguous: false },
});

/** Answers as Box would. A create changes only the user that it returns; an update also what is read afterwards. */
function imagined(view: BoxView): Imagined {
  const changed = new Map<string, BoxUser>();
  return {
    createUser: async (_context, { externalId, name }) => {
      const taken = view.userWith(externalId);
      if (taken) return ok({ kind: 'exists', conflictId: taken.id });
      const user = { id: UNBORN, name, login: '', status: 'active', externalId, isAppUser: true } as const;
      return ok({ kind: 'created', user });
    },
    findUser: async (_context, externalId) => ok(view.userWith(externalId)),
    readUser: async (_context, boxUserId) => ok(view.user(boxUserId)),
    updateUser: async (_context, boxUserId, change) => {
      const user = changed.get(boxUserId) ?? view.user(boxUserId);
      if (!user) return refused('box_user_missing', `Box returns no user ${boxUserId}.`);
      const { externalId } = change;
      const holder = externalId === undefined ? null : view.userWith(externalId);
      if (holder && holder.id !== boxUserId)
        return refused('box_conflict', `Box user ${holder.id} already has this external id.`);
      const after = { ...user, ...change };
      changed.set(boxUserId, after);
      return ok(after);
    },
    // A file names people who should exist; those who should be deleted are refused before.
    deleteUser: async () => ok('deleted'),
  };
}
