import { boxDisplayName } from '@foyer/provisioning';
import type { BoxTwinUser } from '../../stack/twins.ts';
import { idsOf, type PersonScript } from '../directory.ts';

export interface IdentityRow {
  readonly id: string;
  readonly subject: string;
  /** The external id of the person's Box user; null: no worker has taken the person. */
  readonly boxExternalId: string | null;
  readonly name: string;
  readonly username: string;
  readonly active: boolean;
  readonly generation: number;
  readonly boxUserId: string | null;
  readonly appliedGeneration: number | null;
}

interface Sides {
  readonly identities: readonly IdentityRow[];
  /** The app users of our Box app, as the twin has them. */
  readonly users: readonly BoxTwinUser[];
  /** The people whom the directory pushed, with their latest state. */
  readonly pushed: readonly PersonScript[];
  /** Identities for which Box may have an older state; see `WireCheck`. */
  readonly overtaken: ReadonlySet<string>;
}

/**
 * There is one Box user for each identity that needs one, in the directory's latest state; and no Box user without an
 * identity.
 */
export function peopleHold(sides: Sides): string[] {
  const { identities, users, pushed } = sides;
  const subjects = new Set(identities.map(({ subject }) => subject));
  const inBox = new Set(identities.map(({ boxExternalId }) => boxExternalId));
  const orphans = users.filter(({ externalId }) => externalId === null || !inBox.has(externalId));
  const twice = [...Map.groupBy(identities, ({ subject }) => subject)].filter(([, rows]) => rows.length > 1);
  const lost = pushed.filter(({ said }) => said !== null && !subjects.has(said.externalId));
  return [
    ...twice.map(([subject, rows]) => `${subject} is ${rows.length} identities`),
    ...identities.flatMap((identity) => personHolds(identity, sides)),
    ...orphans.map(({ externalId }) => `a Box user without an identity: ${externalId}`),
    ...pushed.flatMap((script) => onePerson(script, users)),
    ...lost.map(({ said }) => `there is no identity for ${said!.externalId}, whom the directory pushed`),
  ];
}

/** However many ids lead to a person, Box has at most one user under any of them, deleted ones not counted. */
function onePerson(script: PersonScript, users: readonly BoxTwinUser[]): string[] {
  const ids = idsOf(script);
  const mine = users.filter(({ externalId }) => externalId !== null && ids.has(externalId));
  return mine.length > 1 ? [`${script.subject} has ${mine.length} Box users under their ids`] : [];
}

function personHolds(identity: IdentityRow, { users, pushed, overtaken }: Sides): string[] {
  const who = identity.subject;
  const mine = users.filter(({ externalId }) => externalId !== null && externalId === identity.boxExternalId);
  const script = pushed.find((one) => one.said?.externalId === who);
  const said = script?.said ?? null;
  const isActive = said?.active ?? true;
  if (identity.active !== isActive) return [`${who} is not ${isActive ? 'active' : 'deactivated'} in Foyer`];
  const [user] = mine;
  if (!user && !isActive && identity.boxUserId === null) return [];
  if (!user || mine.length !== 1) return [`${who} has ${mine.length} Box users`];
  if (user.id !== identity.boxUserId) return [`${who} is not mapped to its Box user`];
  if (said?.isRemoved) return [`${who} was deleted, but still exists in Box`];
  if (identity.appliedGeneration !== identity.generation) return [`${who} is not in step`];
  if (overtaken.has(identity.id)) return [];
  if (user.status !== (isActive ? 'active' : 'inactive')) return [`the Box user of ${who} is ${user.status}`];
  if (!isActive) return [];
  const { name, username } = said ? { name: said.displayName, username: said.userName } : identity;
  const wanted = boxDisplayName({ name, username, subject: who });
  if (user.name !== wanted) return [`${who} is called "${user.name}" in Box instead of "${wanted}"`];
  const title = script?.title ?? '';
  return user.jobTitle === title
    ? []
    : [`${who} has the title "${user.jobTitle}" in Box instead of "${title}"`];
}
