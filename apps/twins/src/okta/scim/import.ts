import { type Groups } from '../org/groups.ts';
import { type People, type Person } from '../org/people.ts';
import { type ScimClient } from './client.ts';
import { isRecord } from './exchange.ts';
import { type Links } from './links.ts';
import { pageOf, readAll } from './lookups.ts';
import { type Resource } from './mapping.ts';

export interface ImportedUser {
  id: unknown;
  userName: unknown;
  active: unknown;
  /** Okta user id of the matching person; null when none matches. */
  person: string | null;
  by: 'link' | 'userName' | 'email' | null;
}

export interface ImportedGroup {
  id: unknown;
  displayName: unknown;
  members: number;
  /** Okta group id; null when none matches. */
  group: string | null;
  by: 'link' | 'displayName' | null;
}

export interface Import {
  users: ImportedUser[];
  groups: ImportedGroup[];
}

/** "Test Connector Configuration": one call, which must return a list. */
export async function testConnection(client: ScimClient): Promise<string> {
  pageOf('Testing the connection', await client.send('GET', '/Users?startIndex=1&count=2'));
  return 'connected';
}

/** Reads all users and groups and matches them with those of the org. */
export async function importAll(
  client: ScimClient,
  org: { people: People; groups: Groups },
  links: Links,
): Promise<Import> {
  const users = await readAll(client, 'Users');
  const groups = await readAll(client, 'Groups');
  const linked = new Map([...links.users].map(([person, { id }]) => [id, person]));
  const byEmail = new Map(org.people.all().map((person) => [person.email.toLowerCase(), person]));
  return {
    users: users.map((user) => ({
      id: user['id'],
      userName: user['userName'],
      active: user['active'],
      ...matchedUser(user, { people: org.people, linked, byEmail }),
    })),
    groups: groups.map((group) => importedGroup(group, org.groups, links)),
  };
}

/**
 * Links the matches of an import, like an administrator's confirmation: these people get the app, and nothing is sent.
 */
export function confirmMatches({ users }: Import, people: People, links: Links): void {
  for (const { id, person: named, active, by } of users) {
    const person = named === null ? undefined : people.find(named);
    if (!person || by === 'link' || typeof id !== 'string' || person.status === 'DEPROVISIONED') continue;
    people.change(person.id, { assigned: true });
    links.users.set(person.id, { id, login: person.login, active: active !== false });
  }
}

function matchedUser(
  user: Resource,
  known: { people: People; linked: ReadonlyMap<string, string>; byEmail: ReadonlyMap<string, Person> },
): Pick<ImportedUser, 'person' | 'by'> {
  const link = known.linked.get(String(user['id']));
  if (link !== undefined) return { person: link, by: 'link' };
  const named = known.people.findByLogin(textOf(user['userName']));
  if (named) return { person: named.id, by: 'userName' };
  const emails: unknown[] = Array.isArray(user['emails']) ? user['emails'] : [];
  for (const email of emails.filter(isRecord)) {
    const mailed = known.byEmail.get(String(email['value']).toLowerCase());
    if (mailed) return { person: mailed.id, by: 'email' };
  }
  return { person: null, by: null };
}

function importedGroup(group: Resource, groups: Groups, links: Links): ImportedGroup {
  const linked = [...links.groups].find(([, { id }]) => id === group['id'])?.[0];
  const named = groups.find(textOf(group['displayName']));
  const members: unknown = group['members'];
  return {
    id: group['id'],
    displayName: group['displayName'],
    members: Array.isArray(members) ? members.length : 0,
    group: linked ?? named?.id ?? null,
    by: linked !== undefined ? 'link' : named ? 'displayName' : null,
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
