import type { Exchange } from '../box-wire.ts';
import type { Actor } from '../scheduler.ts';

/** One request to Box as the wire saw it: the witness of what Box really did, and of what the sender got to see of it. */
export interface Entry {
  readonly exchange: Exchange;
  readonly sender: Actor;
  /** The line of the call log that it was held against; null: there was none. */
  readonly callId: string | null;
  /** The person or the group whose turn it belongs to. */
  readonly holderId: string | null;
  /** What Box answered; null: it never got the request. */
  did: number | null;
  /** The status that the sender saw, with a whole body; null: nothing, or half of it. */
  shown: number | null;
}

const isOk = (status: number | null): boolean => status !== null && status >= 200 && status < 300;

/** Something in Box is different since. */
export const hasChanged = ({ exchange, did }: Entry): boolean => exchange.method !== 'GET' && isOk(did);

export const isWrite = ({ exchange: { method, path } }: Entry): boolean =>
  method !== 'GET' && path.startsWith('/2.0/');

/** The sender could know for certain that Box did nothing. 408: Box may have read enough. */
export const isClearNo = ({ shown }: Entry): boolean =>
  shown !== null && shown >= 400 && shown < 500 && shown !== 408;

/** The sender saw what Box has. */
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

/**
 * Creates that were sent again although the one before may have worked and Box was not asked since the first of them. By what
 * the sender saw on the wire, whatever it put on record.
 */
export function sentBlindly(entries: readonly Entry[]): string[] {
  const unclear = new Set<string>();
  const asked = new Set<string>();
  const problems: string[] = [];
  for (const entry of entries) {
    const about = entry.holderId ?? 'nobody';
    const isDelete = entry.exchange.method === 'DELETE';
    if (isDelete && isAnswer(entry)) unclear.delete(about);
    if (isLookUp(entry) && isAnswer(entry) && unclear.has(about)) asked.add(about);
    if (!isCreate(entry)) continue;
    if (unclear.has(about) && !asked.has(about))
      problems.push('a create was sent again without asking Box first');
    if (isClearNo(entry)) continue;
    if (!unclear.has(about)) asked.delete(about);
    unclear.add(about);
  }
  return problems;
}
