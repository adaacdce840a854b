import type { CallIntent, CallOutcome, RecordedChange } from '@foyer/provisioning';
import type { Request } from 'express';
import { safePath } from '../http/safe-path.ts';

/** What a handler knows about the call that it serves, for the audit log. Never holds secrets. */
export interface CallNotes {
  requestId?: string;
  identityId?: string;
  parameters?: Readonly<Record<string, unknown>>;
  answer?: Readonly<Record<string, unknown>>;
  /** The call was recorded in the transaction of the change that it made. */
  isOnRecord?: boolean;
  /** The id of the call's open record, written before a handler that makes several changes one after the other. */
  openCall?: string;
}

interface Served extends CallNotes {
  operation?: string;
  beganAt?: number;
}

const notes = new WeakMap<Request, Served>();

export function note(request: Request, more: CallNotes): void {
  notes.set(request, { ...notes.get(request), ...more });
}

export const notesOf = (request: Request): CallNotes => notes.get(request) ?? {};

/** Called before the handler. */
export function noteCall(request: Request, operation: string): void {
  notes.set(request, { ...notes.get(request), operation, beganAt: performance.now() });
}

export const durationOf = (request: Request): number => {
  const { beganAt } = notes.get(request) ?? {};
  return beganAt === undefined ? 0 : performance.now() - beganAt;
};

type IntentDetails = Partial<Pick<CallIntent, 'operation' | 'parameters' | 'actor'>>;

/** The current call as a record for the audit log. `more` overrides what was noted. */
export function intentOf(request: Request, more: IntentDetails = {}): CallIntent {
  const { operation = '', parameters = {} } = notes.get(request) ?? {};
  return {
    direction: 'in',
    system: 'foyer',
    operation,
    method: request.method,
    path: safePath(request),
    actor: actorOf(request),
    parameters,
    ...more,
  };
}

function actorOf({ principal, scimClient }: Request): string | null {
  if (principal?.kind === 'machine') return principal.clientId;
  return scimClient?.actor ?? null;
}

/**
 * The current call, to be recorded in the transaction of its change. `status` is the HTTP status of the response.
 * `more` overrides what was noted and is called when the record is written.
 */
export const changeOf = (
  request: Request,
  status: number,
  more: () => IntentDetails = () => ({}),
): RecordedChange => ({
  intent: () => intentOf(request, more()),
  outcome: () => okOutcome(status, durationOf(request)),
  committed: () => note(request, { isOnRecord: true }),
});

export const okOutcome = (status: number | null, durationMs: number): CallOutcome => ({
  ...{ result: 'ok', status, error: null, answer: null, durationMs },
});
