import type { Request } from 'express';

/** What a handler knows of the call that it serves, for the audit log. No secrets. */
export interface CallNotes {
  requestId?: string;
  identityId?: string;
  parameters?: Readonly<Record<string, unknown>>;
  answer?: Readonly<Record<string, unknown>>;
}

const notes = new WeakMap<Request, CallNotes>();

export function note(request: Request, more: CallNotes): void {
  notes.set(request, { ...notes.get(request), ...more });
}

export const notesOf = (request: Request): CallNotes => notes.get(request) ?? {};
