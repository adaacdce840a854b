import type { CallIntent, CallOutcome, RecordedChange } from '@foyer/provisioning';

/** An operator's command that changes something is on record like a call of the API. `path`: the command's words. */
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

/** A command that makes one change, for that change's transaction. */
export const commandChange = (intent: CallIntent): RecordedChange => ({
  intent: () => intent,
  outcome: () => commandOutcome,
  committed: () => undefined,
});
