import type { CallIntent, CallOutcome, RecordedChange } from '@foyer/provisioning';

/**
 * Records an operator's command that changes something, like a call of the API. `path`: the command's name; `actor`:
 * the operator's name for the audit log.
 */
export const commandIntent = (operation: string, path: string, actor: string): CallIntent => ({
  direction: 'in',
  system: 'foyer',
  operation,
  method: 'RUN',
  path,
  actor,
  parameters: {},
});

export const commandOutcome: CallOutcome = {
  result: 'ok',
  status: null,
  error: null,
  answer: null,
  durationMs: 0,
};

/** The record of a command that makes one change, for that change's transaction. */
export const commandChange = (intent: CallIntent): RecordedChange => ({
  intent: () => intent,
  outcome: () => commandOutcome,
  committed: () => undefined,
});
