import { type Group } from '../org/groups.ts';
import { type Person } from '../org/people.ts';
import { differencePatch, membersPatch, newGroup, renamePatch, wholeGroup, type Member } from './bodies.ts';
import { PushError, refusal } from './client.ts';
import { isRecord } from './exchange.ts';
import { type GroupLink, type Links } from './links.ts';
import { idOf, lookUp } from './lookups.ts';
import { succeeded, type Push } from './users.ts';

/** A group with all its members. */
export interface FullGroup {
  group: Group;
  people: readonly Person[];
}

/** The members that can be pushed: Okta knows SCIM ids of provisioned people only. */
export function membersOf(links: Links, people: readonly Person[]): Member[] {
  return people.flatMap((person) => {
    const link = links.activeUser(person.id);
    return link ? [{ value: link.id, display: person.login }] : [];
  });
}

/** Finds the group by name or creates it, and sends all of its members. */
export async function pushGroup(push: Push, full: FullGroup): Promise<string> {
  const { settings, links, client } = push;
  const { name } = full.group;
  const found = await lookUp(client, 'Groups', name, settings.blanks);
  const id = found ? idOf(name, found) : await createGroup(push, full);
  links.groups.set(full.group.id, { id, name, members: new Set() });
  await pushAll(push, full);
  return found ? 'linked' : 'created';
}

async function createGroup({ settings, links, client }: Push, { group, people }: FullGroup): Promise<string> {
  const members = settings.createWithMembers ? membersOf(links, people) : [];
  const answer = await client.send('POST', '/Groups', newGroup(group.name, members));
  if (!succeeded(answer)) throw refusal(`Group ${group.name}`, answer);
  if (!isRecord(answer.body)) throw new PushError('Create new group returned empty group', answer.status);
  return idOf('Create new group', answer.body);
}

/** All members, whatever was sent before. */
export async function pushAll(
  push: Push,
  { group, people }: FullGroup,
  as: 'members' | 'whole' = 'members',
): Promise<string> {
  const link = linkOf(push, group);
  const members = membersOf(push.links, people);
  if (push.settings.dialect === 'aiw') await putGroup(push, link, group.name, members);
  else await patchGroup(push, link.id, membersPatch(link.id, group.name, members, as));
  const name = push.settings.dialect === 'aiw' ? group.name : link.name;
  push.links.groups.set(group.id, { ...link, name, members: idsOf(members) });
  return `${String(members.length)} members`;
}

/** The changed members: a PUT of all, or the name again and then a PATCH of the difference. */
export async function pushMembership(push: Push, full: FullGroup): Promise<string> {
  if (push.settings.dialect === 'aiw') return pushAll(push, full);
  const { group, people } = full;
  const link = linkOf(push, group);
  const members = membersOf(push.links, people);
  const ids = idsOf(members);
  const left = [...link.members].filter((id) => !ids.has(id));
  const came = members.filter(({ value }) => !link.members.has(value));
  await patchGroup(push, link.id, renamePatch(link.id, group.name));
  const difference = differencePatch(left, came);
  if (difference) await patchGroup(push, link.id, difference);
  push.links.groups.set(group.id, { ...link, name: group.name, members: ids });
  return `${String(came.length)} added, ${String(left.length)} removed`;
}

export async function renameGroup(push: Push, full: FullGroup): Promise<string> {
  const { group } = full;
  const { id } = linkOf(push, group);
  if (push.settings.dialect === 'aiw') await pushAll(push, full);
  else await patchGroup(push, id, renamePatch(id, group.name));
  push.links.groups.set(group.id, { ...linkOf(push, group), name: group.name });
  return 'renamed';
}

/** Ends the push of a group, and with `deleteInTarget` deletes the group itself. */
export async function unlinkGroup(push: Push, groupId: string, deleteInTarget: boolean): Promise<string> {
  const link = push.links.groups.get(groupId);
  if (!link) return 'not pushed: nothing sent';
  if (deleteInTarget) {
    const answer = await push.client.send('DELETE', pathOf(link.id));
    if (answer.status !== 204) throw refusal(`Group ${link.name}`, answer);
  }
  push.links.groups.delete(groupId);
  return deleteInTarget ? 'deleted' : 'unlinked';
}

async function putGroup(push: Push, link: GroupLink, name: string, members: Member[]): Promise<void> {
  const got = await push.client.send('GET', pathOf(link.id));
  if (!succeeded(got)) throw refusal(`Group ${name}`, got);
  const put = await push.client.send('PUT', pathOf(link.id), wholeGroup(link.id, name, members));
  if (!succeeded(put)) throw refusal(`Group ${name}`, put);
}

async function patchGroup(push: Push, id: string, body: Record<string, unknown>): Promise<void> {
  const answer = await push.client.send('PATCH', pathOf(id), body);
  if (!succeeded(answer)) throw refusal(`Group ${id}`, answer);
}

function linkOf({ links }: Push, { id, name }: Group): GroupLink {
  const link = links.groups.get(id);
  if (!link) throw new PushError(`Group ${name} is not pushed`);
  return link;
}

function idsOf(members: readonly Member[]): Set<string> {
  return new Set(members.map(({ value }) => value));
}

function pathOf(id: string): string {
  return `/Groups/${encodeURIComponent(id)}`;
}
