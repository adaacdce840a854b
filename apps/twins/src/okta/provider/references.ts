import { InputError } from '../input.ts';
import { type Group, type Groups } from '../org/groups.ts';
import { type People, type Person } from '../org/people.ts';

/** By Okta user id or login. */
export function personNamed({ people }: { people: People }, named: string, field = 'person'): Person {
  const person = people.find(named) ?? people.findByLogin(named);
  if (!person) throw new InputError(field, `nobody is "${named}"`);
  return person;
}

export function peopleNamed(org: { people: People }, named: readonly string[], field: string): Person[] {
  return named.map((name, index) => personNamed(org, name, `${field}[${String(index)}]`));
}

/** By Okta group id or name. */
export function groupNamed({ groups }: { groups: Groups }, named: string): Group {
  const group = groups.find(named);
  if (!group) throw new InputError('group', `no group is "${named}"`);
  return group;
}
