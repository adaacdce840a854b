import { OktaProvisioning } from '../demonstration/okta-provisioning.ts';
import { StackProblem } from '../problem.ts';
import { control } from './twin-control.ts';

/** A call as the Box twin saw it. `status` is null while it is pending, or when the connection was cut. */
export interface BoxCall {
  seq: number;
  at: string;
  method: string;
  path: string;
  query: Record<string, string>;
  asUser: string | null;
  clientId: string | null;
  userId: string | null;
  body: unknown;
  status: number | null;
  end: 'pending' | 'answered' | 'cut';
  fault: string | null;
  requestId: string;
  workMs: number;
}

export interface BoxTwinUser {
  id: string;
  kind: 'service' | 'app' | 'managed' | 'external';
  name: string;
  login: string;
  externalId: string | null;
  clientId: string | null;
  status: string;
  language: string;
  timezone: string;
  jobTitle: string;
  phone: string;
  address: string;
  createdAt: string;
  modifiedAt: string;
  items: number;
}

export interface BoxTwinState {
  enterpriseId: string;
  users: BoxTwinUser[];
  /** `members`: how many. */
  groups: { id: string; name: string; members: number }[];
  memberships: { id: string; userId: string; groupId: string; role: string }[];
  tokens: { issued: number; live: number };
  settings: Record<string, unknown>;
}

/**
 * A fault of the Box twin: `kind` with its parameters, the calls that it matches, and how often (1; null: until
 * cleared).
 */
export interface BoxFault {
  kind:
    | 'status'
    | 'html'
    | 'resetBefore'
    | 'resetAfter'
    | 'statusAfter'
    | 'slow'
    | 'slowAfter'
    | 'hang'
    | 'damaged';
  match?: { method?: string; path?: string; externalId?: string; clientId?: string };
  times?: number | null;
  skip?: number;
  status?: number;
  retryAfter?: number;
  code?: string;
  delayMs?: number;
}

export interface OktaPerson {
  id: string;
  login: string;
  email: string;
  name: string | null;
  firstName: string | null;
  lastName: string | null;
  /** Attributes of Okta's base profile that apps receive: `title`, `locale`, `timezone`, `mobilePhone` … */
  profile: Record<string, string>;
  groups: string[];
  status: string;
  assigned: boolean;
}

/** In a change, null removes an attribute of the profile. */
export type NewOktaPerson = Partial<Omit<OktaPerson, 'profile'>> & {
  login: string;
  password?: string;
  profile?: Record<string, string | null>;
};

export interface OktaGroup {
  id: string;
  name: string;
  /** Okta user ids. */
  members: string[];
}

export interface OktaFault {
  kind: string;
  times?: number | null;
  server?: 'org' | 'default';
  endpoint?: string;
  delayMs?: number;
  status?: number;
  atHash?: 'original' | 'missing';
}

/** The password of everyone in the Okta twin who was given no other. */
export const SAMPLE_PASSWORD = 'Foyer-sample-1';

/** What tests and tools ask of a running Box twin. */
export class BoxControl {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  state(): Promise<BoxTwinState> {
    return control(this.url, 'GET', 'state');
  }

  /** Calls in order of arrival, those after number `since`. */
  async calls(since = 0): Promise<BoxCall[]> {
    return (await control<{ calls: BoxCall[] }>(this.url, 'GET', `calls?since=${since}`)).calls;
  }

  clearCalls(): Promise<void> {
    return control(this.url, 'DELETE', 'calls');
  }

  fault(fault: BoxFault): Promise<{ id: number }> {
    return control(this.url, 'POST', 'faults', fault);
  }

  /** The active faults; `applied`: how many calls each has affected. */
  async faults(): Promise<(BoxFault & { id: number; applied: number })[]> {
    return (
      await control<{ faults: (BoxFault & { id: number; applied: number })[] }>(this.url, 'GET', 'faults')
    ).faults;
  }

  clearFaults(): Promise<void> {
    return control(this.url, 'DELETE', 'faults');
  }

  /** Settings of the twin: latencyMs, rateLimitPerMinute, lookupLagMs, tokenLifetimeSeconds and more. */
  settings(changes: Record<string, unknown>): Promise<Record<string, unknown>> {
    return control(this.url, 'PUT', 'settings', changes);
  }

  app(changes: Record<string, unknown> & { clientId: string }): Promise<Record<string, unknown>> {
    return control(this.url, 'PUT', 'apps', changes);
  }

  seed(what: {
    users?: object[];
    files?: object[];
    groups?: object[];
  }): Promise<{ users: { id: string }[]; files: { id: string }[]; groups: { id: string }[] }> {
    return control(this.url, 'POST', 'seed', what);
  }

  reset(): Promise<void> {
    return control(this.url, 'POST', 'reset');
  }
}

/** What tests and tools ask of a running Okta twin. */
export class OktaControl {
  readonly url: string;
  /** The app's pushes over SCIM. */
  readonly scim: OktaProvisioning;

  constructor(url: string) {
    this.url = url;
    this.scim = new OktaProvisioning(url);
  }

  async people(): Promise<OktaPerson[]> {
    return (await control<{ people: OktaPerson[] }>(this.url, 'GET', 'people')).people;
  }

  addPerson(person: NewOktaPerson): Promise<OktaPerson> {
    return control(this.url, 'POST', 'people', person);
  }

  changePerson(id: string, change: Partial<NewOktaPerson>): Promise<OktaPerson> {
    return control(this.url, 'PATCH', `people/${id}`, change);
  }

  removePerson(id: string): Promise<void> {
    return control(this.url, 'DELETE', `people/${id}`);
  }

  async groups(): Promise<OktaGroup[]> {
    return (await control<{ groups: OktaGroup[] }>(this.url, 'GET', 'groups')).groups;
  }

  /** @param members ids or logins */
  addGroup(name: string, members: string[] = []): Promise<OktaGroup> {
    return control(this.url, 'POST', 'groups', { name, members });
  }

  /** `members` replaces all of them, `add` and `remove` change some; ids or logins. */
  changeGroup(
    idOrName: string,
    change: { name?: string; members?: string[]; add?: string[]; remove?: string[] },
  ): Promise<OktaGroup> {
    return control(this.url, 'PATCH', `groups/${encodeURIComponent(idOrName)}`, change);
  }

  removeGroup(idOrName: string): Promise<void> {
    return control(this.url, 'DELETE', `groups/${encodeURIComponent(idOrName)}`);
  }

  /** Adds `count` people PREFIX1@example.com and so on, or those listed. */
  async seed(what: { people: NewOktaPerson[] } | { count: number; prefix?: string }): Promise<OktaPerson[]> {
    return (await control<{ people: OktaPerson[] }>(this.url, 'POST', 'seed', what)).people;
  }

  fault(fault: OktaFault): Promise<{ id: number }> {
    return control(this.url, 'POST', 'faults', fault);
  }

  clearFaults(): Promise<void> {
    return control(this.url, 'DELETE', 'faults');
  }

  settings(changes: Record<string, unknown>): Promise<Record<string, unknown>> {
    return control(this.url, 'PUT', 'settings', changes);
  }

  rotateKeys(how: { keepOld?: boolean; server?: 'org' | 'default' } = {}): Promise<Record<string, string>> {
    return control(this.url, 'POST', 'rotate-keys', how);
  }

  calls(): Promise<{
    counts: Record<string, number>;
    calls: { endpoint: string; status: number; ms: number }[];
  }> {
    return control(this.url, 'GET', 'calls');
  }

  clearCalls(): Promise<void> {
    return control(this.url, 'DELETE', 'calls');
  }

  async reset(): Promise<void> {
    await control(this.url, 'POST', 'reset');
  }

  /**
   * An access token of the custom server, by client credentials.
   * @param scope such as `foyer.read foyer.write`
   */
  async serviceToken(scope: string): Promise<string> {
    const response = await fetch(`${this.url}/oauth2/default/v1/token`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from('twin-service-client:twin-service-secret').toString('base64')}`,
      },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope }),
    });
    const answer: unknown = await response.json();
    if (
      typeof answer === 'object' &&
      answer !== null &&
      'access_token' in answer &&
      typeof answer.access_token === 'string'
    ) {
      return answer.access_token;
    }
    throw new StackProblem(
      `the Okta twin gave no token for "${scope}": ${JSON.stringify(answer)}`,
      'ask for known scopes',
    );
  }
}
