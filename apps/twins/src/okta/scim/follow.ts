import { type Person } from '../people.ts';
import { type Links } from './links.ts';
import { mapped } from './mapping.ts';
import { type ScimSettings } from './settings.ts';
import { type Deed } from './tasks.ts';

/**
 * What Okta pushes when somebody changes: what the assignment says, else a mapped attribute that is new. Suspension is
 * not sent.
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

/** How a group is brought up to date; undefined: it is not pushed. */
export function groupDeed(
  group: { id: string; name: string },
  links: Links,
  { pushGroups }: ScimSettings,
): Deed | undefined {
  if (links.groups.has(group.id)) return { kind: 'push-membership', group: group.id };
  return pushGroups.includes(group.name) ? { kind: 'push-group', group: group.id } : undefined;
}

/** Names that only one of two people (or two states of one) carries. */
export function changedGroups(before: Person | undefined, after: Person | undefined): string[] {
  const [had, has] = [before?.groups ?? [], after?.groups ?? []];
  return [...had.filter((name) => !has.includes(name)), ...has.filter((name) => !had.includes(name))];
}
