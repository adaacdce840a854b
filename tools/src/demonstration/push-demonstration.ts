import { setTimeout as pause } from 'node:timers/promises';
import { makeScimToken } from '../operator.ts';
import { type Stack } from '../stack/stack.ts';

/** A seeded group of the Okta twin, which is pushed from the start. */
const GROUP = 'Engineering';
const LIMIT_MS = 30_000;

/** Lets the Okta twin push every change of its people, and one group, with a token from the operator's command. */
export async function connectOkta(stack: Stack): Promise<void> {
  const token = await makeScimToken(stack.databaseUrl, 'okta-twin');
  const baseUrl = `${stack.urls.gateway}/scim/v2`;
  await stack.okta.scim.configure({ baseUrl, token, dialect: 'oin', auto: true, pushGroups: [GROUP] });
}

/**
 * A person is hired in Okta into the group, gets another name, and leaves, without any sign-in.
 * @returns what Box had after each step, and everything that was wrong
 */
export async function demonstratePush(stack: Stack): Promise<{ lines: string[]; faults: string[] }> {
  const mark = Date.now().toString(36);
  const login = `pia.${mark}@example.com`;
  const { id } = await stack.okta.addPerson({
    ...{ login, firstName: 'Pia', lastName: `Pushed-${mark}`, groups: [GROUP] },
  });
  const lines: string[] = [];
  const faults: string[] = [];
  const expect = async (did: string, wanted: string): Promise<void> => {
    const seen = await untilBoxHas(stack, id, wanted);
    lines.push(`${did}. Box: ${seen}`);
    if (seen !== wanted) faults.push(`Box should have "${wanted}", but has "${seen}"`);
  };
  await expect(`Okta hired Pia into ${GROUP}`, `Pia Pushed-${mark}, active, in ${GROUP}`);
  await stack.okta.changePerson(id, { lastName: `Married-${mark}` });
  await expect('Okta renamed her', `Pia Married-${mark}, active, in ${GROUP}`);
  await stack.okta.changePerson(id, { assigned: false, groups: [] });
  await expect('Okta let her go', `Pia Married-${mark}, inactive, in no group`);
  for (const { deed, about, status, error } of await stack.okta.scim.tasks())
    if (status === 'failed') faults.push(`Okta failed to ${deed.kind} ${about ?? ''}: ${error}`);
  return { lines, faults };
}

/** Waits until Box has this state of a person. Returns Box's state then, or when the time was up. */
async function untilBoxHas(stack: Stack, oktaId: string, wanted: string): Promise<string> {
  const until = Date.now() + LIMIT_MS;
  for (;;) {
    const seen = await inBox(stack, oktaId);
    if (seen === wanted || Date.now() > until) return seen;
    await pause(50);
  }
}

async function inBox({ box }: Stack, oktaId: string): Promise<string> {
  const { users, groups, memberships } = await box.state();
  const user = users.find(({ externalId }) => externalId === oktaId);
  if (!user) return 'nobody';
  const own = memberships.filter(({ userId }) => userId === user.id).map(({ groupId }) => groupId);
  const names = groups.filter(({ id }) => own.includes(id)).map(({ name }) => name);
  return `${user.name}, ${user.status}, in ${names.join(', ') || 'no group'}`;
}

/** How to make Okta push something, and to see it in Box. */
export function howToPush({ urls }: Stack): string[] {
  const patch = (path: string, change: object): string =>
    `curl -X PATCH ${urls.okta}/_control/${path} -H 'content-type: application/json' -d '${JSON.stringify(change)}'`;
  return [
    patch('people/00u1unassigned000012', { assigned: true, profile: { title: 'Engineer' } }),
    patch(`groups/${GROUP}`, { remove: ['unassigned@example.com'] }),
    `curl ${urls.okta}/_control/scim/tasks`,
    `curl ${urls.box}/_control/state`,
  ];
}
