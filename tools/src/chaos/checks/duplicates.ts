import type { BoxTwinUser } from '../../stack/twins.ts';
import { DUPLICATE, type MergeScript } from '../duplicate.ts';
import { pathOf, type Entry } from './ledger.ts';
import { personOf, type IdentityRow } from './people.ts';

interface Sides {
  readonly identities: readonly IdentityRow[];
  readonly users: readonly BoxTwinUser[];
  readonly merges: readonly MergeScript[];
  readonly ledger: readonly Entry[];
  readonly overtaken: ReadonlySet<string>;
  /** The identities whose Box users the directory asked to delete. */
  readonly removed: ReadonlySet<string>;
}

/** One person has one active Box user whatever ids they have, and a Box user is never that of two people. */
export function duplicatesHold(sides: Sides): string[] {
  return [
    ...sides.merges.filter(({ isMerged }) => isMerged).flatMap((merge) => mergeHolds(merge, sides)),
    ...sides.identities.filter(isEnded).flatMap((identity) => endedHolds(identity, sides)),
    ...oneHolderEach(sides),
  ];
}

/** The identity leads nowhere: it was merged, or the directory said that its id is somebody else's. */
export const isEnded = ({ mergedInto, subject }: IdentityRow): boolean =>
  mergedInto !== null || subject.startsWith('scim:');

function mergeHolds({ staying, other, pair }: MergeScript, { identities, users }: Sides): string[] {
  const [stays, ended] = [pair!.staying, pair!.other].map((id) => identities.find((one) => one.id === id));
  const active = users.filter(
    ({ externalId, status }) => status === 'active' && [staying, other].includes(externalId ?? ''),
  );
  const leads = identities.filter(({ links }) => links.includes(other)).map(({ id }) => id);
  return [
    ...(ended?.mergedInto === pair!.staying ? [] : [`${other} is not merged into ${staying}`]),
    ...(stays?.mergedInto === null ? [] : [`${staying} is merged itself`]),
    ...(leads.length === 1 && leads[0] === pair!.staying ? [] : [`${other} does not lead to ${staying}`]),
    ...(active.length > 1
      ? [`${staying} and ${other} are one person with ${active.length} active Box users`]
      : []),
  ];
}

function endedHolds(identity: IdentityRow, { users, overtaken }: Sides): string[] {
  const who = `the ended identity of ${identity.boxExternalId ?? DUPLICATE}`;
  if (identity.active) return [`${who} is active in Foyer`];
  if (identity.sessions > 0) return [`${who} has ${identity.sessions} sessions`];
  const mine = users.filter(({ externalId }) => externalId !== null && externalId === identity.boxExternalId);
  const [user] = mine;
  if (!user && identity.boxUserId === null) return [];
  if (!user || mine.length !== 1 || user.id !== identity.boxUserId)
    return [`${who} is not mapped to its Box user`];
  if (identity.appliedGeneration !== identity.generation) return [`${who} is not in step`];
  return overtaken.has(identity.id) || user.status === 'inactive'
    ? []
    : [`the Box user of ${who} is ${user.status}`];
}

/** As the wire saw it: who changed which Box user, and that nobody deleted one whom the directory did not delete. */
function oneHolderEach({ ledger, identities, removed }: Sides): string[] {
  const holders = new Map<string, Set<string>>();
  const problems: string[] = [];
  for (const entry of ledger) {
    const [, id] = /^\/2\.0\/users\/(\d+)$/.exec(pathOf(entry)) ?? [];
    const { method } = entry.exchange;
    if (id === undefined || entry.holderId === null || method === 'GET') continue;
    const person = personOf(identities, entry.holderId);
    holders.set(id, (holders.get(id) ?? new Set()).add(person));
    if (method === 'DELETE' && !removed.has(person))
      problems.push(`Box user ${id} was deleted, and nobody asked for that`);
  }
  const shared = [...holders].filter(([, people]) => people.size > 1);
  return [
    ...problems,
    ...shared.map(([id, people]) => `Box user ${id} was changed for ${people.size} people`),
  ];
}
