import { randomInt } from 'node:crypto';
import { changedProfile, type Profile, type ProfileChange } from './profile.ts';

/** User statuses of Okta's lifecycle; only ACTIVE may sign in. */
export const STATUSES = [
  'STAGED',
  'PROVISIONED',
  'ACTIVE',
  'RECOVERY',
  'PASSWORD_EXPIRED',
  'LOCKED_OUT',
  'SUSPENDED',
  'DEPROVISIONED',
] as const;
export type PersonStatus = (typeof STATUSES)[number];

/** A person of the org. Name parts that are null are left out of the tokens. */
export interface Person {
  /** Okta user id, `00u…`: the `sub` of every ID token. */
  id: string;
  /** Unique, ignoring case. */
  login: string;
  password: string;
  email: string;
  name: string | null;
  firstName: string | null;
  lastName: string | null;
  profile: Profile;
  groups: string[];
  status: PersonStatus;
  /** Assigned to the web app. */
  assigned: boolean;
  /** The claim `email_verified`; true when left out, as Okta treats addresses from administrators. */
  emailVerified?: boolean;
  /** Epoch seconds of the last change to the profile. */
  updatedAt: number;
}

/** The fields of a new person; only `login` is required. */
export type NewPerson = Partial<Omit<Person, 'updatedAt' | 'profile'>> & {
  login: string;
  profile?: ProfileChange;
};
/** A change of the profile names only the attributes that change. */
export type PersonChange = Partial<Omit<Person, 'id' | 'updatedAt' | 'profile'>> & {
  profile?: ProfileChange;
};

/** A change that the org does not allow; the message gives the reason. */
export class PeopleError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'PeopleError';
  }
}

/** The password of everyone who was given no other. */
export const SAMPLE_PASSWORD = 'Foyer-sample-1';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** A 20-character id in Okta's form: a three-letter prefix, then letters and digits. */
export function oktaId(prefix: string): string {
  const rest = Array.from({ length: 20 - prefix.length }, () => ALPHABET[randomInt(ALPHABET.length)]);
  return prefix + rest.join('');
}

const now = (): number => Math.floor(Date.now() / 1000);

/** The org's people, by id and by login. */
export class People {
  readonly #byId = new Map<string, Person>();
  readonly #idByLogin = new Map<string, string>();
  readonly #seed: readonly NewPerson[];

  constructor(seed: readonly NewPerson[]) {
    this.#seed = seed;
    this.reset();
  }

  reset(): void {
    this.#byId.clear();
    this.#idByLogin.clear();
    for (const person of this.#seed) this.add(person);
  }

  all(): Person[] {
    return [...this.#byId.values()];
  }

  find(id: string): Person | undefined {
    return this.#byId.get(id);
  }

  findByLogin(login: string): Person | undefined {
    const id = this.#idByLogin.get(login.trim().toLowerCase());
    return id === undefined ? undefined : this.#byId.get(id);
  }

  /** @throws PeopleError when the login or id is taken */
  add(input: NewPerson): Person {
    const id = input.id ?? oktaId('00u');
    if (this.#byId.has(id)) throw new PeopleError(`id "${id}" is taken`);
    this.#refuseTakenLogin(input.login, id);
    const status = input.status ?? 'ACTIVE';
    const { firstName = null, lastName = null } = input;
    const person: Person = {
      id,
      login: input.login,
      password: input.password ?? SAMPLE_PASSWORD,
      email: input.email ?? input.login,
      name: input.name === undefined ? fullName(firstName, lastName) : input.name,
      firstName,
      lastName,
      profile: changedProfile({}, input.profile ?? {}),
      groups: ['Everyone', ...(input.groups ?? []).filter((group) => group !== 'Everyone')],
      status,
      assigned: status !== 'DEPROVISIONED' && (input.assigned ?? true),
      ...(input.emailVerified !== undefined && { emailVerified: input.emailVerified }),
      updatedAt: now(),
    };
    this.#byId.set(id, person);
    this.#idByLogin.set(person.login.toLowerCase(), id);
    return person;
  }

  /**
   * Changes a person by Okta's lifecycle rules: SUSPENDED only from ACTIVE (else Okta's E0000001), and DEPROVISIONED
   * removes the app assignment.
   * @throws PeopleError when the change is not allowed
   */
  change(id: string, change: PersonChange): Person | undefined {
    const person = this.#byId.get(id);
    if (!person) return undefined;
    if (change.login !== undefined) this.#refuseTakenLogin(change.login, id);
    if (change.status === 'SUSPENDED' && !['ACTIVE', 'SUSPENDED'].includes(person.status)) {
      throw new PeopleError(`status: only an ACTIVE person can be suspended, this one is ${person.status}`);
    }
    const profile = changedProfile(person.profile, change.profile ?? {});
    const next: Person = { ...person, ...change, profile, updatedAt: now() };
    if (next.status === 'DEPROVISIONED') {
      if (change.assigned) throw new PeopleError('assigned: a DEPROVISIONED person has no app assignments');
      next.assigned = false;
    }
    if (change.name === undefined && (change.firstName !== undefined || change.lastName !== undefined)) {
      next.name = fullName(next.firstName, next.lastName);
    }
    next.groups = ['Everyone', ...next.groups.filter((group) => group !== 'Everyone')];
    this.#idByLogin.delete(person.login.toLowerCase());
    this.#idByLogin.set(next.login.toLowerCase(), id);
    this.#byId.set(id, next);
    return next;
  }

  remove(id: string): boolean {
    const person = this.#byId.get(id);
    if (!person) return false;
    this.#idByLogin.delete(person.login.toLowerCase());
    return this.#byId.delete(id);
  }

  #refuseTakenLogin(login: string, id: string): void {
    const holder = this.#idByLogin.get(login.toLowerCase());
    if (holder !== undefined && holder !== id) throw new PeopleError(`login "${login}" is taken`);
  }
}

function fullName(firstName: string | null, lastName: string | null): string | null {
  const parts = [firstName, lastName].filter((part) => part !== null && part !== '');
  return parts.length === 0 ? null : parts.join(' ');
}
