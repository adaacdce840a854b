import { control } from '../stack/twin-control.ts';

/** The SCIM settings of the Okta twin's app; the twin's README has the defaults. */
export interface ScimSettings {
  /** Such as `http://localhost:3000/scim/v2`. */
  baseUrl: string;
  token: string;
  /** `aiw`: PUT for everything; `oin`: PATCH for activation and groups. */
  dialect?: 'aiw' | 'oin';
  /** Spaces in filters as %20 or as +. */
  blanks?: 'percent' | 'plus';
  mappings?: 'full' | 'short';
  createWithMembers?: boolean;
  /** Pushes changes of people and groups automatically. */
  auto?: boolean;
  pushGroups?: string[];
  retries?: number;
  backOffMs?: number;
  timeLimitMs?: number;
}

/** A request of the twin and its response, without the token and passwords. */
export interface ScimExchange {
  at: string;
  method: string;
  /** The path below the base URL, as sent. */
  path: string;
  headers: Record<string, string>;
  body: unknown;
  status: number | null;
  answerHeaders: Record<string, string>;
  answer: unknown;
  ms: number;
}

export interface ScimTask {
  id: number;
  at: string;
  deed: { kind: string; person?: string; group?: string };
  /** Login or group name. */
  about: string | null;
  status: 'queued' | 'running' | 'done' | 'failed';
  attempts: number;
  /** What was done: `created`, `linked`, `reactivated` …; for an import, what was found. */
  result: unknown;
  error: string | null;
  httpStatus: number | null;
  exchanges: ScimExchange[];
}

export interface ScimState {
  settings: Omit<ScimSettings, 'token'>;
  /** Okta user id and SCIM id of each provisioned person. */
  users: { person: string; id: string; login: string; active: boolean }[];
  /** Okta group id, SCIM id, and the SCIM ids of the members as last sent. */
  groups: { group: string; id: string; name: string; members: string[] }[];
  pending: number;
}

/** The Okta twin as a SCIM client. People by id or login, groups by id or name; each action ends with its task. */
export class OktaProvisioning {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  configure(settings: Partial<ScimSettings>): Promise<ScimState> {
    return control(this.#url, 'PUT', 'scim', settings);
  }

  state(): Promise<ScimState> {
    return control(this.#url, 'GET', 'scim');
  }

  testConnection(): Promise<ScimTask> {
    return this.#act('test-connection');
  }

  /** With `confirm`, matching people are linked without a push. */
  import(confirm = false): Promise<ScimTask> {
    return this.#act('import', { confirm });
  }

  assign(person: string): Promise<ScimTask> {
    return this.#act('assign', { person });
  }

  reassign(person: string): Promise<ScimTask> {
    return this.#act('reassign', { person });
  }

  /** For a person who had the app before it had provisioning. */
  provisionUser(person: string): Promise<ScimTask> {
    return this.#act('provision-user', { person });
  }

  /** @param change as `OktaControl.changePerson` takes it */
  update(person: string, change: object = {}): Promise<ScimTask> {
    return this.#act('update', { person, change });
  }

  unassign(person: string): Promise<ScimTask> {
    return this.#act('unassign', { person });
  }

  pushGroup(group: string): Promise<ScimTask> {
    return this.#act('push-group', { group });
  }

  pushMembership(group: string, change: { add?: string[]; remove?: string[] }): Promise<ScimTask> {
    return this.#act('push-membership', { group, ...change });
  }

  renameGroup(group: string, name: string): Promise<ScimTask> {
    return this.#act('rename-group', { group, name });
  }

  pushNow(group: string, as: 'members' | 'whole' = 'members'): Promise<ScimTask> {
    return this.#act('push-now', { group, as });
  }

  unlinkGroup(group: string, deleteInTarget: boolean): Promise<ScimTask> {
    return this.#act('unlink-group', { group, deleteInTarget });
  }

  /** Retries all failed tasks except those with 400, or the tasks with these numbers. */
  async retryFailed(tasks?: number[]): Promise<ScimTask[]> {
    return (await control<{ tasks: ScimTask[] }>(this.#url, 'POST', 'scim/retry-failed', { tasks })).tasks;
  }

  /** Tasks with a number above `since`, once no work is left. */
  async tasks(since = 0): Promise<ScimTask[]> {
    const path = `scim/tasks?idle=true&since=${since}`;
    return (await control<{ tasks: ScimTask[] }>(this.#url, 'GET', path)).tasks;
  }

  #act(action: string, body: object = {}): Promise<ScimTask> {
    return control(this.#url, 'POST', `scim/${action}`, body);
  }
}
