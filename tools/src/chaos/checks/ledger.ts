import type { Exchange } from '../boundaries/exchange.ts';
import type { Actor } from '../scheduler.ts';

/** One request to Box as the wire saw it: it shows what Box really did, and what the sender saw of it. */
export interface Entry {
  readonly exchange: Exchange;
  readonly sender: Actor;
  /** The matching line of the call log; null when there was none. */
  readonly callId: string | null;
  /** The person or the group of the attempt. */
  readonly holderId: string | null;
  /** Box's response; null when Box never received the request. */
  did: number | null;
  /** The status that the sender saw, with a complete body; null for no response or half of one. */
  shown: number | null;
}

const isOk = (status: number | null): boolean => status !== null && status >= 200 && status < 300;

/** Whether it changed something in Box. */
export const hasChanged = ({ exchange, did }: Entry): boolean => exchange.method !== 'GET' && isOk(did);

export const isWrite = ({ exchange: { method, path } }: Entry): boolean =>
  method !== 'GET' && path.startsWith('/2.0/');

/** Whether the sender could know for certain that Box did nothing. Not so for 408: Box may have read enough. */
export const isClearNo = ({ shown }: Entry): boolean =>
  shown !== null && shown >= 400 && shown < 500 && shown !== 408;

/** Whether the sender saw what Box has. */
export const isAnswer = ({ shown }: Entry): boolean => isOk(shown) || shown === 404;

export const pathOf = ({ exchange: { path } }: Entry): string => path.split('?')[0]!;

/** A field of the JSON that was sent. */
export function sent({ exchange: { body } }: Pick<Entry, 'exchange'>, field: string): unknown {
  if (!body.startsWith('{')) return undefined;
  const value: unknown = JSON.parse(body);
  return typeof value === 'object' && value !== null ? Reflect.get(value, field) : undefined;
}

export const isCreate = (entry: Entry): boolean =>
  entry.exchange.method === 'POST' && pathOf(entry) === '/2.0/users';

const isLookUp = ({ exchange: { method, path } }: Entry): boolean =>
  method === 'GET' && /^\/2\.0\/users(\/\d+)?(\?|$)/.test(path);

/** A create on record without an outcome: whoever comes next cannot know that Box did nothing. */
export interface BegunCreate {
  readonly holderId: string | null;
  /** Whether it is on record before the given call. */
  readonly isBefore: (callId: string | null) => boolean;
}

/**
 * Creates that were sent again although the earlier one may have worked and Box was not asked since the first of them.
 * Judged by what the sender saw on the wire, and by the record for creates whose outcome is not on it: a look-up after
 * such a one counts.
 */
export function sentBlindly(entries: readonly Entry[], begun: readonly BegunCreate[]): string[] {
  const inDoubt = new Set<string>();
  const unclear = new Set<string>();
  const asked = new Set<string>();
  const problems: string[] = [];
  for (const entry of entries) {
    const about = entry.holderId ?? 'nobody';
    const wasBegun = begun.some(
      ({ holderId, isBefore }) => holderId === entry.holderId && isBefore(entry.callId),
    );
    if (wasBegun) inDoubt.add(about);
    const isDelete = entry.exchange.method === 'DELETE';
    if (isDelete && isAnswer(entry)) for (const known of [inDoubt, unclear]) known.delete(about);
    if (isLookUp(entry) && isAnswer(entry) && inDoubt.has(about)) asked.add(about);
    if (!isCreate(entry)) continue;
    if (unclear.has(about) && !asked.has(about))
      problems.push('a create was sent again without asking Box first');
    if (isClearNo(entry)) continue;
    if (!inDoubt.has(about)) asked.delete(about);
    inDoubt.add(about);
    unclear.add(about);
  }
  return problems;
}
