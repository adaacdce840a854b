import { randomBytes } from 'node:crypto';
import { type Person } from '../org/people.ts';
import { activePatch, changedUser, deactivatedUser, newUser } from './bodies.ts';
import { PushError, refusal, type ScimClient } from './client.ts';
import { isRecord } from './exchange.ts';
import { type Links } from './links.ts';
import { idOf, lookUp } from './lookups.ts';
import { type Resource } from './mapping.ts';
import { type ScimSettings } from './settings.ts';

/** What a push needs: the app's settings, the known ids, and the client. */
export interface Push {
  settings: ScimSettings;
  links: Links;
  client: ScimClient;
}

/**
 * Provisions an assigned person: finds them by user name; links an existing user (and reactivates it) with GET and PUT;
 * otherwise creates one.
 * @returns what was done
 */
export async function provisionUser(push: Push, person: Person): Promise<string> {
  const { settings, links, client } = push;
  const found = await lookUp(client, 'Users', person.login, settings.blanks);
  if (!found) {
    const id = await createUser(push, person);
    links.users.set(person.id, { id, login: person.login, active: true });
    return 'created';
  }
  const id = idOf(person.login, found);
  const inactive = found['active'] === false;
  if (inactive && settings.dialect === 'oin') await setActive(push, id, true);
  await putUser(push, id, (got) => changedUser(got, person, settings.mappings));
  links.users.set(person.id, { id, login: person.login, active: true });
  return inactive ? 'reactivated' : 'linked';
}

async function createUser({ settings, client }: Push, person: Person): Promise<string> {
  const password = randomBytes(12).toString('base64url');
  const answer = await client.send('POST', '/Users', newUser(person, settings.mappings, password), [
    password,
  ]);
  if (!succeeded(answer)) throw refusal(`User ${person.login}`, answer);
  if (!isRecord(answer.body)) throw new PushError('Create new user returned empty user', answer.status);
  return idOf('Create new user', answer.body);
}

/** Sends the person's current profile. */
export async function updateUser(push: Push, person: Person): Promise<string> {
  const link = push.links.activeUser(person.id);
  if (!link) return 'not provisioned: nothing sent';
  await putUser(push, link.id, (got) => changedUser(got, person, push.settings.mappings));
  link.login = person.login;
  return 'updated';
}

/** Deactivates a user; Okta never deletes one. */
export async function deactivateUser(push: Push, personId: string): Promise<string> {
  const link = push.links.activeUser(personId);
  if (!link) return 'not provisioned: nothing sent';
  if (push.settings.dialect === 'oin') await setActive(push, link.id, false);
  else await putUser(push, link.id, deactivatedUser);
  link.active = false;
  return 'deactivated';
}

async function setActive({ client }: Push, id: string, active: boolean): Promise<void> {
  const answer = await client.send('PATCH', pathOf(id), activePatch(active));
  if (!succeeded(answer)) throw refusal(`User ${id}`, answer);
}

/** GET, and the changed response back as PUT. */
async function putUser({ client }: Push, id: string, change: (got: Resource) => Resource): Promise<void> {
  const got = await client.send('GET', pathOf(id));
  if (!succeeded(got)) throw refusal(`User ${id}`, got);
  if (!isRecord(got.body)) throw new PushError(`Reading user ${id} returned empty user`, got.status);
  const put = await client.send('PUT', pathOf(id), change(got.body));
  if (!succeeded(put)) throw refusal(`User ${id}`, put);
  if (!isRecord(put.body)) throw new PushError(`Update of user ${id} returned empty user`, put.status);
}

export function succeeded({ status }: { status: number }): boolean {
  return status >= 200 && status < 300;
}

function pathOf(id: string): string {
  return `/Users/${encodeURIComponent(id)}`;
}
