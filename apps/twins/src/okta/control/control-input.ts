import { ENDPOINTS, FAULT_ENDPOINT, SERVERS, type Fault, type FaultKind } from './faults.ts';
import {
  bool,
  defined,
  InputError,
  integer,
  listOf,
  object,
  oneOf,
  optional,
  orNull,
  string,
  stringOf,
} from '../input.ts';
import { STATUSES, type NewPerson, type PersonChange } from '../org/people.ts';
import { PROFILE_FIELDS, type ProfileChange } from '../org/profile.ts';
import { type Settings } from '../settings.ts';

const MAX_SEEDED = 20_000;
const groups = listOf(stringOf(1, 255), 1000);
// Looser than Okta, on purpose: tests need empty names and names over 50 characters.
const name = orNull(stringOf(0, 500));

const attributes = object(
  Object.fromEntries(PROFILE_FIELDS.map((field) => [field, optional(orNull(stringOf(0, 500)))])),
);

function profile(value: unknown, field: string): ProfileChange {
  return defined(attributes(value, field));
}

const personFields = {
  password: optional(stringOf(1, 200)),
  email: optional(stringOf(0, 200)),
  name: optional(name),
  firstName: optional(name),
  lastName: optional(name),
  profile: optional(profile),
  groups: optional(groups),
  status: optional(oneOf(...STATUSES)),
  assigned: optional(bool),
  emailVerified: optional(bool),
};
const newPerson = object({ ...personFields, login: stringOf(5, 100), id: optional(userId) });
const personChange = object({ ...personFields, login: optional(stringOf(5, 100)) });

function userId(value: unknown, field: string): string {
  const read = string(value, field);
  if (!/^00u[A-Za-z0-9]{17}$/.test(read)) throw new InputError(field, 'must be 00u and 17 letters or digits');
  return read;
}

export function readNewPerson(body: unknown): NewPerson {
  return defined(newPerson(body, ''));
}

export function readPersonChange(body: unknown): PersonChange {
  return defined(personChange(body, ''));
}

const reference = stringOf(1, 255);
const references = listOf(reference, MAX_SEEDED);

/** A group's name, and its members by id or login. */
export const readNewGroup = object({ name: reference, members: optional(references) });

/** `members` replaces all; `add` and `remove` change some. */
export const readGroupChange = object({
  name: optional(reference),
  members: optional(references),
  add: optional(references),
  remove: optional(references),
});

const settings = object({
  thinIdToken: optional(bool),
  codeTtl: optional(integer(1, 3600)),
  pkceRequired: optional(bool),
  keysMaxAge: optional(integer(0, 10_000_000)),
});

export function readSettings(body: unknown): Partial<Settings> {
  return defined(settings(body, ''));
}

const rotation = object({ keepOld: optional(bool), server: optional(oneOf(...SERVERS)) });

/** The keys to rotate; without `server`, those of both servers. */
export function readRotation(body: unknown): ReturnType<typeof rotation> {
  return rotation(body, '');
}

const bulk = object({
  people: optional(listOf((item, field) => newPerson(item, field), MAX_SEEDED)),
  count: optional(integer(1, MAX_SEEDED)),
  prefix: optional(stringOf(1, 50)),
  password: optional(stringOf(1, 200)),
  groups: optional(groups),
});

/** The people to add: those listed, or `count` of them, PREFIX1@example.com and so on. */
export function readSeed(body: unknown): NewPerson[] {
  const { people, count, prefix = 'person', password, groups: shared } = bulk(body, '');
  if ((people === undefined) === (count === undefined))
    throw new InputError('', 'give either people or count');
  if (people) return people.map(defined);
  return Array.from({ length: count ?? 0 }, (_, index) =>
    defined({
      login: `${prefix}${String(index + 1)}@example.com`,
      firstName: prefix,
      lastName: String(index + 1),
      password,
      groups: shared,
    }),
  );
}

function isFaultKind(value: string): value is FaultKind {
  return Object.hasOwn(FAULT_ENDPOINT, value);
}

const KINDS = Object.keys(FAULT_ENDPOINT).filter(isFaultKind);
const fault = object({
  kind: oneOf(...KINDS),
  times: optional(orNull(integer(1, 1_000_000))),
  server: optional(oneOf(...SERVERS)),
  endpoint: optional(oneOf(...ENDPOINTS)),
  delayMs: optional(integer(0, 600_000)),
  status: optional(integer(400, 599)),
  atHash: optional(oneOf('original', 'missing')),
});

/** A fault with its defaults: once, on the org server, one second, status 500. */
export function readFault(body: unknown): Omit<Fault, 'id'> {
  const {
    kind,
    times = 1,
    server = 'org',
    endpoint,
    delayMs = 1000,
    status = 500,
    atHash = 'original',
  } = fault(body, '');
  const fixed = FAULT_ENDPOINT[kind];
  if (fixed !== undefined && endpoint !== undefined && endpoint !== fixed) {
    throw new InputError('endpoint', `${kind} shows at ${fixed} only`);
  }
  if (fixed !== undefined && server !== 'org')
    throw new InputError('server', `${kind} concerns the org server only`);
  return { kind, times, server, endpoint: endpoint ?? fixed, delayMs, status, atHash };
}
