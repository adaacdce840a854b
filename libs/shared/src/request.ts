import { z } from 'zod';

/** The status of a request. `succeeded` and `failed` are final: a retry is a new request. */
export const RequestStatus = z.enum(['queued', 'running', 'retrying', 'succeeded', 'failed']);
export type RequestStatus = z.infer<typeof RequestStatus>;

/**
 * What a succeeded request changed in Box. `kept`: the person was deleted and Box did not delete the user, which stays
 * inactive: it owns content, or is under a retention policy or a legal hold.
 */
export const RequestOutcome = z.enum([
  'created',
  'adopted',
  'updated',
  'unchanged',
  'deactivated',
  'reactivated',
  'deleted',
  'kept',
]);
export type RequestOutcome = z.infer<typeof RequestOutcome>;

/** What caused the request. */
export const RequestCause = z.enum(['sign-in', 'api', 'operator', 'batch', 'scim']);
export type RequestCause = z.infer<typeof RequestCause>;

/**
 * The transition table: for each status, the statuses that may follow. No other place compares statuses. `running` to
 * `running`: another worker takes over after a crash. `running` to `queued`: a worker that shuts down returns a request
 * that it had not started.
 */
const transitions: Readonly<Record<RequestStatus, readonly RequestStatus[]>> = {
  queued: ['running', 'failed'],
  running: ['running', 'queued', 'retrying', 'succeeded', 'failed'],
  retrying: ['running', 'failed'],
  succeeded: [],
  failed: [],
};

export const canBecome = (from: RequestStatus, to: RequestStatus): boolean => transitions[from].includes(to);

/** The statuses from which `to` can be reached: the condition of an update's WHERE clause. */
export const statusesBefore = (to: RequestStatus): RequestStatus[] =>
  RequestStatus.options.filter((from) => canBecome(from, to));

/** Final statuses never change again: clients may stop polling. */
export const isFinal = (status: RequestStatus): boolean => transitions[status].length === 0;

export const openStatuses: readonly RequestStatus[] = RequestStatus.options.filter(
  (status) => !isFinal(status),
);

/** What can happen to a request. */
export const TimelineEvent = z.enum([
  'queued',
  'waiting-for-budget',
  'started',
  'taken-over',
  'handed-back',
  'box-user-created',
  'box-user-adopted',
  'box-user-updated',
  'box-user-missing',
  'box-user-restored',
  'box-user-given-up',
  'box-user-deleted',
  'box-user-kept',
  'box-group-created',
  'box-group-adopted',
  'box-group-renamed',
  'box-group-missing',
  'box-group-deleted',
  'box-members-changed',
  'retry-scheduled',
  'succeeded',
  'failed',
]);
export type TimelineEvent = z.infer<typeof TimelineEvent>;
