import type { BoxCall } from '../../stack/twins.ts';
import { hasChanged, pathOf, sentBlindly, type BegunCreate, type Entry } from './ledger.ts';

export interface CallRow {
  readonly id: string;
  readonly holderId: string | null;
  readonly operation: string;
  readonly result: 'ok' | 'refused' | 'failed' | 'ambiguous' | null;
}

const isClear = ({ result }: CallRow): boolean => result === 'ok' || result === 'refused';
const isUnknown = ({ result }: CallRow): boolean => result === null || result === 'ambiguous';
const changes = (operation: string): boolean => /^(create|update|delete|add|remove)_/.test(operation);

/** Compares the recorded calls to Box with what the wire and the twin saw. */
export function callsHold(
  calls: readonly CallRow[],
  ledger: readonly Entry[],
  twin: readonly BoxCall[],
): string[] {
  return [
    ...sameAsTwin(ledger, twin),
    ...trueOutcomes(calls, ledger),
    ...settled(calls),
    ...sentBlindly(ledger, withoutOutcome(calls, ledger)),
  ];
}

/** Box's own log has the same requests, in any order (a late one comes last), and no request bypassed the wire. */
function sameAsTwin(ledger: readonly Entry[], twin: readonly BoxCall[]): string[] {
  const ours = ledger.filter(({ did }) => did !== null);
  const key = (method: string, path: string, status: number | null): string => `${method} ${path} ${status}`;
  const seen = ours.map((entry) => key(entry.exchange.method, pathOf(entry), entry.did)).toSorted();
  const told = twin.map(({ method, path, status }) => key(method, path, status)).toSorted();
  return seen.join('\n') === told.join('\n') ? [] : ['Box received other requests than those on the wire'];
}

/** When an outcome states for certain what happened to a change, the same happened in Box. */
function trueOutcomes(calls: readonly CallRow[], ledger: readonly Entry[]): string[] {
  const entries = new Map(ledger.map((entry) => [entry.callId, entry]));
  return calls.flatMap(({ id, operation, result }) => {
    const entry = entries.get(id);
    if (!changes(operation) || result === null || result === 'ambiguous') return [];
    const isDone = entry !== undefined && hasChanged(entry);
    if (result === 'ok' && !isDone) return [`a ${operation} is on record as done that Box never did`];
    return result !== 'ok' && isDone ? [`a ${operation} is on record as ${result} that Box did`] : [];
  });
}

/**
 * Every write to Box has an outcome, or is followed by a look-up or another write that got a response: each of them
 * shows what Box has.
 */
const settled = (calls: readonly CallRow[]): string[] =>
  calls.flatMap((call, at) => {
    if (!changes(call.operation) || !isUnknown(call)) return [];
    const later = calls.slice(at + 1).filter(({ holderId }) => holderId === call.holderId);
    return later.some(isClear) ? [] : [`the unclear outcome of a ${call.operation} was never resolved`];
  });

/**
 * Creates of which the record does not say what became of them, although the wire may: their sender ended before the
 * wire, or Box's refusal could not be written down.
 */
function withoutOutcome(calls: readonly CallRow[], ledger: readonly Entry[]): BegunCreate[] {
  const places = new Map(calls.map(({ id }, at) => [id, at]));
  const sent = new Set(ledger.map(({ callId }) => callId));
  return calls.flatMap((call, at) =>
    call.operation !== 'create_user' || !isUnknown(call) || (sent.has(call.id) && call.result !== null)
      ? []
      : [{ holderId: call.holderId, isBefore: (id) => id !== null && at < (places.get(id) ?? -1) }],
  );
}
