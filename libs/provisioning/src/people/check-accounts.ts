import { setTimeout as pause } from 'node:timers/promises';
import type { BoxFault, BoxPort } from './box-port.ts';
import type { BoxUser } from './model.ts';

/** A mapped Box user, and the external id that it must have. */
export interface MappedAccount {
  readonly identityId: string;
  readonly externalId: string;
  readonly boxUserId: string;
}

export interface Misfit {
  readonly account: MappedAccount;
  readonly why: string;
}

/**
 * The result of checking accounts with Box. `isComplete`: every account was checked; otherwise the check was stopped,
 * or found enough misfits. `fault`: Box's last fault after all tries, which ends the check.
 */
export interface AccountCheck {
  readonly asked: number;
  readonly misfits: readonly Misfit[];
  readonly isComplete: boolean;
  readonly fault: BoxFault | null;
}

export interface AccountCheckOptions {
  readonly stopping: AbortSignal;
  readonly onProgress: (asked: number) => void;
  /** The pauses between tries, in milliseconds; there is one more try than there are pauses. */
  readonly pausesMs?: readonly number[];
}

/** The check stops after this many misfits, which are proof enough. */
const ENOUGH_MISFITS = 100;
const PAUSES_MS = [1_000, 3_000, 10_000];

/** Asks Box, one call per account, whether this app can read the user and the user has the expected external id. */
export async function checkAccounts(
  box: Pick<BoxPort, 'readUser'>,
  accounts: AsyncIterable<MappedAccount>,
  options: AccountCheckOptions,
): Promise<AccountCheck> {
  const misfits: Misfit[] = [];
  let asked = 0;
  for await (const account of accounts) {
    if (options.stopping.aborted || misfits.length >= ENOUGH_MISFITS)
      return { asked, misfits, isComplete: false, fault: null };
    const read = await readPatiently(box, account, options);
    if (!read.ok) return { asked, misfits, isComplete: false, fault: read.fault };
    asked += 1;
    const why = misfitOf(read.value, account);
    if (why !== null) misfits.push({ account, why });
    options.onProgress(asked);
  }
  return { asked, misfits, isComplete: true, fault: null };
}

function misfitOf(user: BoxUser | null, { externalId }: MappedAccount): string | null {
  if (user === null) return 'is not visible to this app';
  if (!user.isAppUser) return 'is not an app user';
  if (user.externalId !== externalId) return 'has another external id';
  return null;
}

/** Waits as long as Box asks, and tries again a few times while Box is unavailable. */
async function readPatiently(
  box: Pick<BoxPort, 'readUser'>,
  { identityId, boxUserId }: MappedAccount,
  { stopping, pausesMs = PAUSES_MS }: AccountCheckOptions,
): ReturnType<BoxPort['readUser']> {
  for (let tries = 0; ;) {
    const read = await box.readUser({ requestId: null, identityId, lease: null }, boxUserId);
    if (read.ok || stopping.aborted) return read;
    const { code, retryAfterMs } = read.fault;
    const step = pausesMs[tries];
    if (!['box_rate_limited', 'box_unavailable'].includes(code) || step === undefined) return read;
    if (code !== 'box_rate_limited') tries += 1;
    await pause(Math.max(step, retryAfterMs ?? 0), undefined, { signal: stopping }).catch(() => undefined);
  }
}
