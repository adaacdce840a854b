import { setTimeout as delay } from 'node:timers/promises';
import { type Groups } from '../org/groups.ts';
import { type People, type Person } from '../org/people.ts';
import { PushError, ScimClient } from './client.ts';
import {
  pushAll,
  pushGroup,
  pushMembership,
  renameGroup,
  unlinkGroup,
  type FullGroup,
} from './group-push.ts';
import { changedGroups, groupDeed, personDeed } from './follow.ts';
import { confirmMatches, importAll, testConnection, type Import } from './import.ts';
import { Lanes } from './lanes.ts';
import { Links } from './links.ts';
import { type ScimSettings } from './settings.ts';
import { backOff, isRetried, TaskList, type Deed, type Task } from './tasks.ts';
import { deactivateUser, provisionUser, updateUser, type Push } from './users.ts';

const AT_ONCE = 10;

/** The org's app with provisioning enabled: it pushes to one SCIM server and remembers the ids it receives. */
export class ScimApp {
  settings: ScimSettings;
  readonly links = new Links();
  readonly tasks = new TaskList();
  readonly #org: { people: People; groups: Groups };
  readonly #lanes = new Lanes(AT_ONCE);
  readonly #stop = new AbortController();

  constructor(settings: ScimSettings, org: { people: People; groups: Groups }) {
    this.settings = settings;
    this.#org = org;
  }

  get pending(): number {
    return this.#lanes.pending;
  }

  idle(): Promise<void> {
    return this.#lanes.idle();
  }

  /** Aborts running requests and starts no more. */
  stop(): void {
    this.#stop.abort();
  }

  /**
   * Performs one action after the earlier ones for the same person or group; resolves when it has ended, successfully
   * or not.
   */
  async do(deed: Deed): Promise<Task> {
    const task = this.tasks.add(deed, this.#about(deed));
    await this.#queue(task);
    return task;
  }

  /** "Retry selected": sends failed tasks again from their beginning, in the order in which they failed. */
  async retry(tasks: readonly Task[]): Promise<readonly Task[]> {
    await Promise.all(
      tasks.filter(isRetried).map((task) => {
        task.status = 'queued';
        return this.#queue(task);
      }),
    );
    return tasks;
  }

  /** A person was added, changed or removed: with `auto` this is pushed, and so are the affected groups. */
  follow(before: Person | undefined, after: Person | undefined): void {
    if (!this.settings.auto) return;
    const deed = personDeed(before, after, this.settings.mappings);
    if (deed) void this.do(deed);
    this.followGroups(changedGroups(before, after));
  }

  /** Members were added to these groups or removed from them. */
  followGroups(names: readonly string[]): void {
    if (!this.settings.auto) return;
    for (const name of names) {
      const group = this.#org.groups.find(name);
      const deed = group && groupDeed(group, this.links, this.settings);
      // A push that has not started will include this change as well.
      if (group && deed && !this.tasks.isQueued(deed.kind, group.id)) void this.do(deed);
    }
  }

  followRename(group: string): void {
    if (this.#isFollowed(group)) void this.do({ kind: 'rename-group', group });
  }

  followRemoval(group: string): void {
    if (this.#isFollowed(group)) void this.do({ kind: 'unlink-group', group, deleteInTarget: true });
  }

  /** A running push counts, too: the next one will find its link. */
  #isFollowed(group: string): boolean {
    return this.settings.auto && (this.links.groups.has(group) || this.tasks.isOpen(group));
  }

  #queue(task: Task): Promise<void> {
    return this.#lanes.add(laneOf(task.deed), () => this.#run(task));
  }

  async #run(task: Task): Promise<void> {
    for (let again = 0; ; again++) {
      const error = await this.#attempt(task);
      if (!error || !isRetried(task) || again >= this.settings.retries || this.#stop.signal.aborted) return;
      task.status = 'queued';
      const pause = backOff(again, this.settings.backOffMs, error.retryAfterMs);
      // A stop ends the pause; the attempt after it then ends at once.
      await delay(pause, undefined, { ref: false, signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  /** @returns why it failed */
  async #attempt(task: Task): Promise<PushError | undefined> {
    task.attempts++;
    task.status = 'running';
    const client = new ScimClient(this.settings, this.#stop.signal, (exchange) => {
      task.exchanges.push(exchange);
    });
    try {
      task.result = this.#isOvertaken(task)
        ? 'overtaken: nothing sent'
        : await this.#perform(task.deed, { settings: this.settings, links: this.links, client });
      Object.assign(task, { status: 'done', error: null, httpStatus: null });
      this.#join(task.deed);
      return undefined;
    } catch (error) {
      const failure = error instanceof PushError ? error : new PushError(`The twin broke: ${String(error)}`);
      if (failure !== error) console.error(error);
      Object.assign(task, { status: 'failed', error: failure.message, httpStatus: failure.status });
      return failure;
    }
  }

  async #perform(deed: Deed, push: Push): Promise<string | Import> {
    switch (deed.kind) {
      case 'test-connection':
        return testConnection(push.client);
      case 'import':
        return this.#import(push, deed.confirm);
      case 'assign':
      case 'reassign':
      case 'provision-user':
        return provisionUser(push, this.#person(deed.person));
      case 'update':
        return updateUser(push, this.#person(deed.person));
      case 'unassign':
        return deactivateUser(push, deed.person);
      case 'push-group':
        return pushGroup(push, this.#group(deed.group));
      case 'push-membership':
        return pushMembership(push, this.#group(deed.group));
      case 'rename-group':
        return renameGroup(push, this.#group(deed.group));
      case 'push-now':
        return pushAll(push, this.#group(deed.group), deed.as);
      case 'unlink-group':
        return unlinkGroup(push, deed.group, deed.deleteInTarget);
    }
  }

  /** Whether the assignment has changed since a task failed: a retry must not undo the change. */
  #isOvertaken({ deed, attempts }: Task): boolean {
    if (attempts === 1 || !('person' in deed) || deed.kind === 'update') return false;
    const assigned = this.#org.people.find(deed.person)?.assigned ?? false;
    return assigned === (deed.kind === 'unassign');
  }

  async #import({ client, links }: Push, confirm: boolean): Promise<Import> {
    const found = await importAll(client, this.#org, links);
    if (confirm) confirmMatches(found, this.#org.people, links);
    return found;
  }

  /** A person who was just provisioned can now be a member. */
  #join(deed: Deed): void {
    if (!('person' in deed) || deed.kind === 'update' || deed.kind === 'unassign') return;
    this.followGroups(this.#org.people.find(deed.person)?.groups ?? []);
  }

  #person(id: string): Person {
    const person = this.#org.people.find(id);
    if (!person) throw new PushError('The person is gone from the org');
    return person;
  }

  #group(id: string): FullGroup {
    const group = this.#org.groups.find(id);
    if (!group) throw new PushError('The group is gone from the org');
    return { group, people: this.#org.groups.members(group) };
  }

  #about(deed: Deed): string | null {
    if ('person' in deed) {
      return this.#org.people.find(deed.person)?.login ?? this.links.users.get(deed.person)?.login ?? null;
    }
    if ('group' in deed) {
      return this.#org.groups.find(deed.group)?.name ?? this.links.groups.get(deed.group)?.name ?? null;
    }
    return null;
  }
}

/** Actions run one at a time for each person and each group. */
function laneOf(deed: Deed): string {
  if ('person' in deed) return deed.person;
  return 'group' in deed ? deed.group : 'app';
}
