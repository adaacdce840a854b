import { type Exchange } from './exchange.ts';
import { type Import } from './import.ts';

/** The actions of an app. Ids are Okta's: `00u…` of people, `00g…` of groups. */
export type Deed =
  | { kind: 'test-connection' }
  | { kind: 'import'; confirm: boolean }
  | { kind: 'assign' | 'reassign' | 'provision-user' | 'update' | 'unassign'; person: string }
  | { kind: 'push-group' | 'push-membership' | 'rename-group'; group: string }
  | { kind: 'push-now'; group: string; as: 'members' | 'whole' }
  | { kind: 'unlink-group'; group: string; deleteInTarget: boolean };

/** One line of the app's task list, with all its HTTP exchanges. */
export interface Task {
  id: number;
  at: string;
  deed: Deed;
  /** Login of the person or name of the group. */
  about: string | null;
  status: 'queued' | 'running' | 'done' | 'failed';
  attempts: number;
  result: string | Import | null;
  error: string | null;
  /** The HTTP status with which it failed; null when there was none. */
  httpStatus: number | null;
  exchanges: Exchange[];
}

const KEPT = 2000;

/** Whether Okta retries a failed task: always, unless the server found the request itself invalid. */
export function isRetried({ status, httpStatus }: Task): boolean {
  return status === 'failed' && httpStatus !== 400;
}

/** Milliseconds before the next retry, after `before` earlier ones: doubled each time, or as the server asked. */
export function backOff(before: number, firstMs: number, retryAfterMs: number): number {
  return Math.max(firstMs * 2 ** before, retryAfterMs);
}

/** The tasks of an app, oldest first, up to a limit. */
export class TaskList {
  #tasks: Task[] = [];
  #nextId = 1;

  add(deed: Deed, about: string | null): Task {
    const task: Task = {
      id: this.#nextId++,
      at: new Date().toISOString(),
      deed,
      about,
      status: 'queued',
      attempts: 0,
      result: null,
      error: null,
      httpStatus: null,
      exchanges: [],
    };
    this.#tasks.push(task);
    if (this.#tasks.length > KEPT) this.#dropOldest();
    return task;
  }

  /** Those with a higher number than `since`. */
  after(since: number): Task[] {
    return this.#tasks.filter(({ id }) => id > since);
  }

  /** Whether the same action for this group is queued and has not started. */
  isQueued(kind: Deed['kind'], group: string): boolean {
    return this.#tasks.some(
      ({ status, deed }) =>
        status === 'queued' && deed.kind === kind && 'group' in deed && deed.group === group,
    );
  }

  /** Whether a task for this group has not ended. */
  isOpen(group: string): boolean {
    return this.#tasks.some(
      ({ status, deed }) =>
        (status === 'queued' || status === 'running') && 'group' in deed && deed.group === group,
    );
  }

  find(id: number): Task | undefined {
    return this.#tasks.find((task) => task.id === id);
  }

  /** Unfinished tasks are kept. */
  #dropOldest(): void {
    const at = this.#tasks.findIndex(({ status }) => status === 'done' || status === 'failed');
    if (at >= 0) this.#tasks.splice(at, 1);
  }
}
