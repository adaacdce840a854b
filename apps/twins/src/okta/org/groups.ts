import { oktaId, PeopleError, type People, type Person } from './people.ts';

/** A group of the org. The members are stored with the people, so that pushes and the `groups` claim always agree. */
export interface Group {
  /** Okta group id, `00g…`. */
  id: string;
  /** Unique. */
  name: string;
}

/** The org's groups: those created over the control address, and every group name of a person. */
export class Groups {
  readonly #people: People;
  readonly #byName = new Map<string, Group>();

  constructor(people: People) {
    this.#people = people;
  }

  reset(): void {
    this.#byName.clear();
  }

  all(): Group[] {
    for (const { groups } of this.#people.all()) for (const name of groups) this.#named(name);
    return [...this.#byName.values()];
  }

  /** By id or by name. */
  find(idOrName: string): Group | undefined {
    return (
      this.#byName.get(idOrName) ?? this.all().find(({ id, name }) => id === idOrName || name === idOrName)
    );
  }

  members({ name }: Group): Person[] {
    return this.#people.all().filter(({ groups }) => groups.includes(name));
  }

  /** @throws PeopleError when the name is taken */
  add(name: string): Group {
    this.#refuseTaken(name);
    return this.#named(name);
  }

  /**
   * Adds and removes members. Everyone always contains all people.
   * @throws PeopleError for the group Everyone
   */
  regroup(group: Group, change: { add?: readonly Person[]; remove?: readonly Person[] }): void {
    refuseEveryone(group);
    const without = ({ groups }: Person): string[] => groups.filter((name) => name !== group.name);
    for (const person of change.remove ?? []) this.#people.change(person.id, { groups: without(person) });
    for (const { id } of change.add ?? []) {
      const person = this.#people.find(id);
      if (person) this.#people.change(id, { groups: [...without(person), group.name] });
    }
  }

  /** @throws PeopleError when the name is taken, and for the group Everyone */
  rename(group: Group, name: string): Group {
    refuseEveryone(group);
    if (name === group.name) return group;
    this.#refuseTaken(name);
    const members = this.members(group);
    const renamed = { ...group, name };
    this.#byName.delete(group.name);
    this.#byName.set(name, renamed);
    for (const { id, groups } of members) {
      this.#people.change(id, { groups: groups.map((held) => (held === group.name ? name : held)) });
    }
    return renamed;
  }

  /** @throws PeopleError for the group Everyone */
  remove(group: Group): void {
    this.regroup(group, { remove: this.members(group) });
    this.#byName.delete(group.name);
  }

  #named(name: string): Group {
    const group = this.#byName.get(name) ?? { id: oktaId('00g'), name };
    this.#byName.set(name, group);
    return group;
  }

  #refuseTaken(name: string): void {
    if (this.find(name)) throw new PeopleError(`name "${name}" is taken`);
  }
}

function refuseEveryone({ name }: Group): void {
  if (name === 'Everyone') throw new PeopleError('group: Everyone is built in and cannot be changed');
}
