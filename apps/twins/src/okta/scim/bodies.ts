import { type Person } from '../org/people.ts';
import { isRecord } from './exchange.ts';
import { MAPPED, mapped, SCHEMA, type Resource } from './mapping.ts';
import { type ScimSettings } from './settings.ts';

export interface Member {
  /** The SCIM id of a provisioned user. */
  value: string;
  display: string;
}

type Mappings = ScimSettings['mappings'];

/** A new user; the password is always present, although the app does not synchronize passwords. */
export function newUser(person: Person, mappings: Mappings, password: string): Resource {
  const attributes = mapped(person, mappings);
  return {
    schemas: schemasOf(attributes, []),
    ...attributes,
    externalId: person.id,
    groups: [],
    password,
    active: true,
  };
}

/**
 * The server's own response with Okta's attributes in it: what Okta does not map (`id`, `meta`, `groups`,
 * `name.formatted` …) is sent back unchanged.
 */
export function changedUser(got: Resource, person: Person, mappings: Mappings): Resource {
  const attributes = mapped(person, mappings);
  const own: readonly string[] = [...MAPPED[mappings], 'password'];
  const echoed = Object.fromEntries(Object.entries(got).filter(([name]) => !own.includes(name)));
  const name = mergedName(got['name'], attributes['name']);
  return {
    ...echoed,
    schemas: schemasOf(attributes, strings(got['schemas'])),
    ...attributes,
    ...(name && { name }),
    emails: mergedEmails(got['emails'], attributes['emails']),
    externalId: person.id,
    active: true,
  };
}

/** Deactivation by PUT: the server's own response with `active` false. */
export function deactivatedUser(got: Resource): Resource {
  return { ...got, active: false };
}

/** Activation and deactivation by PATCH: without a path, the value is an object. */
export function activePatch(active: boolean): Resource {
  return patch([{ op: 'replace', value: { active } }]);
}

export function newGroup(displayName: string, members: readonly Member[]): Resource {
  return { schemas: [SCHEMA.group], displayName, members };
}

/** The whole group, for a PUT. */
export function wholeGroup(id: string, displayName: string, members: readonly Member[]): Resource {
  return { schemas: [SCHEMA.group], id, displayName, members };
}

export function renamePatch(id: string, displayName: string): Resource {
  return patch([{ op: 'replace', value: { id, displayName } }]);
}

/** Every member, at the path `members` or in a value without a path; Okta was observed to send both. */
export function membersPatch(
  id: string,
  displayName: string,
  members: readonly Member[],
  as: 'members' | 'whole' = 'members',
): Resource {
  if (as === 'members') return patch([{ op: 'replace', path: 'members', value: members }]);
  return { Operations: [{ op: 'replace', value: { members, id, displayName } }] };
}

/** Removed members, one operation each, and then added ones; undefined when there are none. */
export function differencePatch(left: readonly string[], came: readonly Member[]): Resource | undefined {
  const removals = left.map((id) => ({ op: 'remove', path: `members[value eq ${JSON.stringify(id)}]` }));
  const additions = came.length === 0 ? [] : [{ op: 'add', path: 'members', value: came }];
  const operations = [...removals, ...additions];
  return operations.length === 0 ? undefined : patch(operations);
}

function patch(operations: readonly Resource[]): Resource {
  return { schemas: [SCHEMA.patch], Operations: operations };
}

function schemasOf(attributes: Resource, known: readonly string[]): string[] {
  const needed = SCHEMA.enterprise in attributes ? [SCHEMA.user, SCHEMA.enterprise] : [SCHEMA.user];
  return [...new Set([...known, ...needed])];
}

function mergedName(got: unknown, own: unknown): Resource | undefined {
  const { givenName: _given, middleName: _middle, familyName: _family, ...rest } = isRecord(got) ? got : {};
  const name = { ...rest, ...(isRecord(own) ? own : {}) };
  return Object.keys(name).length === 0 ? undefined : name;
}

/** The primary address keeps the server's other fields (`display`); other addresses are kept. */
function mergedEmails(got: unknown, own: unknown): unknown[] {
  const known: unknown[] = Array.isArray(got) ? got : [];
  const primary = known.find((email) => isRecord(email) && email['primary'] === true);
  const first: unknown = Array.isArray(own) ? own[0] : undefined;
  const merged = { ...(isRecord(primary) ? primary : {}), ...(isRecord(first) ? first : {}) };
  return [merged, ...known.filter((email) => email !== primary)];
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
