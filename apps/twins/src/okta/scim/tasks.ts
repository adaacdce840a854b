import { type Exchange } from './exchange.ts';
import { type Import } from './import.ts';

/** What an app can be made to do. Ids are Okta's: `00u…` of people, `00g…` of groups. */
export type Deed =
  | { kind: 'test-connection' }
  | { kind: 'import'; confirm: boolean }
  | { kind: 'assign' | 'reassign' | 'provision-user' | 'update' | 'unassign'; person: string }
  | { kind: 'push-group' | 'push-membership' | 'rename-group'; group: string }
  | { kind: 'push-now'; group: string; as: 'members' | 'whole' }
  | { kind: 'unlink-group'; group: string; deleteInTarget: boolean };

/** One line of the app's task list, with all that went over the wire for it. */
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
  /** The HTTP status that it failed with; null: there was none. */
  httpStatus: number | null;
  exchanges: Exchange[];
}

const KEPT = 2000;

/** Whether Okta sends a failed task again: always, unless the server found the request itself bad. */
export function isRetried({ status, httpStatus }: Task): boolean {
  return status === 'failed' && httpStatus !== 400;
}

/** Milliseconds before the next retry, `before` of which there were already: doubled each time, or as the server asked. */
export function backOff(before: number, firstMs: number, retryAfterMs: number): number {
  return Math.max(firstMs * 2 ** before, retryAfterMs);
}

/** The tasks of an app, oldest first, bounded. */
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

  /** Whether this is to be done to this group already, and has not begun. */
  isQueued(kind: Deed['kind'], group: string): boolean {
    return this.#tasks.some(
      ({ status, deed }) =>
        status === 'queued' && deed.kind === kind && 'group' in deed && deed.group === group,
    );
  }

  /** Whether something about this group has not ended. */
  isOpen(group: string): boolean {
    return this.#tasks.some(
      ({ status, deed }) =>
        (status === 'queued' || status === 'running') && 'group' in deed && deed.group === group,
    );
  }

  find(id: number): Task | undefined {
    return this.#tasks.find((task) => task.id === id);
  }

  /** What is still to be done stays. */
  #dropOldest(): void {
    const at = this.#tasks.findIndex(({ status }) => status === 'done' || status === 'failed');
    if (at >= 0) this.#tasks.splice(at, 1);
  }
}
