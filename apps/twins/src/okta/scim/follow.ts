import { type Person } from '../org/people.ts';
import { type Links } from './links.ts';
import { mapped } from './mapping.ts';
import { type ScimSettings } from './settings.ts';
import { type Deed } from './tasks.ts';

/**
 * What Okta pushes when a person changes: the change of the assignment, else a changed mapped attribute. Suspension is
 * not pushed.
 */
export function personDeed(
  before: Person | undefined,
  after: Person | undefined,
  mappings: ScimSettings['mappings'],
): Deed | undefined {
  const person = after?.id ?? before?.id;
  if (person === undefined) return undefined;
  if (after?.assigned && !before?.assigned) return { kind: 'assign', person };
  if (before?.assigned && !after?.assigned) return { kind: 'unassign', person };
  const told = (known: Person): string => JSON.stringify(mapped(known, mappings));
  return before && after?.assigned && told(before) !== told(after) ? { kind: 'update', person } : undefined;
}

/** How a group is brought up to date; undefined when it is not pushed. */
export function groupDeed(
  group: { id: string; name: string },
  links: Links,
  { pushGroups }: ScimSettings,
): Deed | undefined {
  if (links.groups.has(group.id)) return { kind: 'push-membership', group: group.id };
  return pushGroups.includes(group.name) ? { kind: 'push-group', group: group.id } : undefined;
}

/** The groups that only one of two people (or two states of one person) has. */
export function changedGroups(before: Person | undefined, after: Person | undefined): string[] {
  const [had, has] = [before?.groups ?? [], after?.groups ?? []];
  return [...had.filter((name) => !has.includes(name)), ...has.filter((name) => !had.includes(name))];
}
