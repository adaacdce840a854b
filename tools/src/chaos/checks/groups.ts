import type { BoxTwinState } from '../../stack/twins.ts';
import type { GroupScript, PersonScript } from '../directory.ts';
import type { IdentityRow } from './people.ts';

export interface GroupRow {
  readonly id: string;
  readonly boxGroupId: string | null;
  readonly generation: number;
  readonly appliedGeneration: number;
  readonly isDeleted: boolean;
  /** The identities that are members in our database. */
  readonly wanted: readonly string[];
}

interface Sides {
  readonly rows: readonly GroupRow[];
  readonly pushed: readonly GroupScript[];
  /** A deleted person was removed from the group, before or after the group's own pushes; our database shows which. */
  readonly deleted: readonly PersonScript[];
  readonly identities: readonly IdentityRow[];
  readonly box: BoxTwinState;
  readonly overtaken: ReadonlySet<string>;
}

/**
 * Box has each group of the directory, under its last name, with those of its last members who have a Box user; and no
 * other group.
 */
export function groupsHold(sides: Sides): string[] {
  const { rows, pushed, box } = sides;
  const known = new Set(rows.flatMap(({ boxGroupId, isDeleted }) => (isDeleted ? [] : [boxGroupId])));
  return [
    ...pushed.flatMap((script) => groupHolds(script, sides)),
    ...box.groups
      .filter(({ id }) => !known.has(id))
      .map(({ name }) => `a Box group without a group: "${name}"`),
  ];
}

function groupHolds(
  { id, said }: GroupScript,
  { rows, deleted, identities, box, overtaken }: Sides,
): string[] {
  if (said === null || said.isDeleted) return [];
  const row = rows.find((group) => group.id === id);
  if (!row || row.isDeleted) return [`the group "${said.name}" is not in Foyer`];
  if (row.appliedGeneration !== row.generation) return [`the group "${said.name}" is not in step`];
  const group = box.groups.find((one) => one.id === row.boxGroupId);
  if (!group) return [`Box has no group "${said.name}"`];
  if (overtaken.has(row.id)) return [];
  if (group.name !== said.name) return [`the group "${said.name}" is called "${group.name}" in Box`];
  const isWanted = (identity: string): boolean =>
    deleted.some((script) => script.id === identity)
      ? row.wanted.includes(identity)
      : said.members.has(identity);
  const users = identities.flatMap((identity) =>
    isWanted(identity.id) && identity.boxUserId !== null ? [identity.boxUserId] : [],
  );
  const inBox = box.memberships.filter(({ groupId }) => groupId === group.id).map(({ userId }) => userId);
  const ghosts = inBox.filter((user) => !users.includes(user));
  const lost = users.filter((user) => !inBox.includes(user));
  return [
    ...ghosts.map((user) => `Box user ${user} is a member of "${said.name}" and is not to be`),
    ...lost.map((user) => `Box user ${user} is to be a member of "${said.name}" and is not`),
  ];
}
