import type { BoxFault, BoxPort, BoxResult, CallContext } from '../people/box-port.ts';
import type { BoxUser } from '../people/model.ts';
import type { Candidate, Standing, Discrepancy, VerifyStore } from './verify-port.ts';

/** Box could not be read, or the run was stopped: what was read so far is kept. */
export class VerifyInterrupted extends Error {
  override readonly name = 'VerifyInterrupted';
  readonly fault: BoxFault | null;

  /** `fault` is null when the run was stopped. */
  constructor(fault: BoxFault | null) {
    super(fault === null ? 'stopped' : `${fault.code}: ${fault.detail}`);
    this.fault = fault;
  }
}

const ATTEMPTS = 5;
const FIRST_PAUSE_MS = 1_000;
const UNTOLD_LIMIT_MS = 5_000;

export interface Asking {
  readonly stopping: AbortSignal;
  /** Rejects when `stopping` is aborted during the pause. */
  readonly pause: (ms: number) => Promise<void>;
}

/** The context of the calls of a run, which has no request and no lease. Defined only here. */
export const runContext = (identityId: string | null): CallContext => ({
  requestId: null,
  identityId,
  lease: null,
});

/** Calls Box, waiting as long as it asks, with a few retries while it is unavailable. Throws VerifyInterrupted. */
export async function ask<T>(
  call: () => Promise<BoxResult<T>>,
  { stopping, pause }: Asking,
  isAnswer: (fault: BoxFault) => boolean = () => false,
): Promise<BoxResult<T>> {
  for (let failures = 0; ;) {
    if (stopping.aborted) throw new VerifyInterrupted(null);
    const result = await call();
    if (result.ok || isAnswer(result.fault)) return result;
    const { code, retryAfterMs } = result.fault;
    if (code !== 'box_rate_limited' && code !== 'box_unavailable') throw new VerifyInterrupted(result.fault);
    if (code === 'box_unavailable') failures += 1;
    if (failures === ATTEMPTS) throw new VerifyInterrupted(result.fault);
    const usual = code === 'box_rate_limited' ? UNTOLD_LIMIT_MS : FIRST_PAUSE_MS * 2 ** (failures - 1);
    await pause(retryAfterMs ?? usual).catch((error: unknown) => {
      throw stopping.aborted ? new VerifyInterrupted(null) : error;
    });
  }
}

/** The result of rechecking a candidate. `settled`: an unverified write whose effect could be read back. */
export type Verdict =
  | { readonly kind: 'confirmed'; readonly discrepancy: Discrepancy }
  | { readonly kind: 'gone' }
  | { readonly kind: 'settled' }
  | { readonly kind: 'in-progress' };

interface RecheckParts extends Asking {
  readonly box: BoxPort;
  readonly store: VerifyStore;
}

const gone: Verdict = { kind: 'gone' };
const confirmed = (discrepancy: Discrepancy): Verdict => ({ kind: 'confirmed', discrepancy });

/** Rechecks both sides, because most discrepancies are only changes in progress. */
export async function recheck(candidate: Candidate, parts: RecheckParts): Promise<Verdict> {
  switch (candidate.kind) {
    case 'duplicate':
      return recheckDuplicate(candidate, parts);
    case 'orphan':
    case 'unmapped':
      return recheckUnmapped(candidate, parts);
    case 'missing':
    case 'drifted':
    case 'mismatched':
    case 'unverified':
      return recheckIdentity(candidate, parts);
    // Already rechecked where they are found, or found in one snapshot of the database alone.
    case 'unlinked':
    case 'group':
      return gone;
  }
}

const readUser = async (id: string, identityId: string | null, { box, ...asking }: RecheckParts) =>
  valueOf(await ask(() => box.readUser(runContext(identityId), id), asking));
const findUser = async (externalId: string, identityId: string, { box, ...asking }: RecheckParts) =>
  valueOf(await ask(() => box.findUser(runContext(identityId), externalId), asking));

function valueOf<T>(result: BoxResult<T>): T {
  if (result.ok) return result.value;
  throw new VerifyInterrupted(result.fault);
}

async function recheckDuplicate(candidate: Candidate, parts: RecheckParts): Promise<Verdict> {
  const { externalId } = candidate;
  if (externalId === null || candidate.boxUserId === null) return gone;
  const standing = await parts.store.standing({ externalId });
  if (standing?.isBusy) return { kind: 'in-progress' };
  const mapped = standing?.account?.boxUserId ?? null;
  const users: string[] = [];
  for (const id of [candidate.boxUserId, ...candidate.otherBoxUserIds]) {
    const user = await readUser(id, standing?.identityId ?? null, parts);
    if (user && (user.externalId === externalId || user.id === mapped)) users.push(user.id);
  }
  const [first, ...others] = users.toSorted((a, b) => Number(b === mapped) - Number(a === mapped));
  if (first === undefined || others.length === 0) return gone;
  const detail = `Box users ${[first, ...others].join(' and ')} have the same external id${mapped === first ? `; ${first} is the mapped one` : ''}.`;
  return confirmed({ ...candidate, boxUserId: first, otherBoxUserIds: others, detail });
}

/** Rechecks a Box user that no identity is mapped to. */
async function recheckUnmapped(candidate: Candidate, parts: RecheckParts): Promise<Verdict> {
  const { boxUserId } = candidate;
  if (boxUserId === null || (await parts.store.standing({ boxUserId })) !== null) return gone;
  const user = await readUser(boxUserId, candidate.identityId, parts);
  if (user === null) return gone;
  const { externalId, name } = user;
  const standing = externalId === null ? null : await parts.store.standing({ externalId });
  // Deactivated, as the remedy recommends: the user can do nothing, and its files are kept.
  if (standing === null && user.status === 'inactive') return gone;
  if (standing === null) {
    const detail = `Box user ${boxUserId}, "${name}", ${externalId === null ? 'has no external id' : 'belongs to no identity here'}.`;
    return confirmed({ ...candidate, kind: 'orphan', identityId: null, externalId, detail });
  }
  if (standing.isBusy) return { kind: 'in-progress' };
  return confirmed(unmapped(candidate, standing, user));
}

const unmapped = (candidate: Candidate, { identityId, account }: Standing, user: BoxUser): Discrepancy => ({
  ...candidate,
  kind: 'unmapped',
  identityId,
  boxUserId: user.id,
  externalId: user.externalId,
  detail:
    account === null
      ? `Box user ${user.id} has the external id of this identity, but is not mapped to it.`
      : `Box user ${user.id} has the external id of this identity, but ${account.boxUserId} is mapped.`,
});

async function recheckIdentity(candidate: Candidate, parts: RecheckParts): Promise<Verdict> {
  const { identityId, kind, callId } = candidate;
  const standing = identityId === null ? null : await parts.store.standing({ identityId });
  if (standing === null) return gone;
  if (standing.isBusy) return { kind: 'in-progress' };
  if (callId !== null && !(await parts.store.isUnsettled(callId))) return gone;
  const { account } = standing;
  if (account === null) {
    const user = await findUser(standing.externalId, standing.identityId, parts);
    if (user !== null) return confirmed(unmapped({ ...candidate, callId: null }, standing, user));
    return kind === 'missing' || kind === 'unverified' ? confirmed({ ...candidate, boxUserId: null }) : gone;
  }
  const user = await readUser(account.boxUserId, standing.identityId, parts);
  const difference = differenceOf(standing, account, user);
  if (kind === 'unverified' && difference === null) return { kind: 'settled' };
  if (difference === null) return gone;
  const about = { ...candidate, boxUserId: account.boxUserId, externalId: standing.externalId };
  return confirmed(
    kind === 'unverified' ? { ...about, detail: difference.detail } : { ...about, ...difference },
  );
}

/** How a mapped Box user differs from what Foyer applied; null when it does not. */
function differenceOf(
  { externalId }: Standing,
  account: NonNullable<Standing['account']>,
  user: BoxUser | null,
): Pick<Discrepancy, 'kind' | 'detail'> | null {
  if (user === null) return { kind: 'missing', detail: `Box user ${account.boxUserId} no longer exists.` };
  if (!user.isAppUser) return { kind: 'mismatched', detail: `Box user ${user.id} is not an app user.` };
  if (user.externalId !== externalId) {
    const carries = user.externalId === null ? 'no external id' : `the external id ${user.externalId}`;
    return { kind: 'mismatched', detail: `Box user ${user.id} has ${carries}, not ${externalId}.` };
  }
  const differences = [
    user.name === account.name ? '' : `is named "${user.name}" in Box, "${account.name}" here`,
    user.status === account.status ? '' : `is ${user.status} in Box, ${account.status} here`,
  ].filter((text) => text !== '');
  if (differences.length === 0) return null;
  return { kind: 'drifted', detail: `Box user ${user.id} ${differences.join(' and ')}.` };
}
