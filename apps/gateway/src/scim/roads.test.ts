import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Admission } from '@foyer/persistence';
import { ScimTestClient, USER, type ScimReply } from './scim.harness.ts';

let scim: ScimTestClient;
beforeAll(async () => {
  scim = await ScimTestClient.start();
});
afterAll(() => scim.stop());

/** A person's subject and user name, as a directory and a sign-in send them. */
interface Who {
  readonly subject: string;
  readonly userName: string;
}

const samplePerson = (): Who => {
  const id = randomUUID();
  return { subject: `00u${id}`, userName: `${id}@example.com` };
};

const signIn = ({ subject, userName }: Who, isEmailVerified = false): Promise<Admission> => {
  const { context } = scim.house.api;
  const person = { issuer: context.config.OKTA_ISSUER_URI, subject, username: userName, name: 'Max Example' };
  return context.tenant.intake.admit({ ...person, email: userName }, 'sign-in', undefined, undefined, {
    isEmailVerified,
  });
};

const identityOf = (admission: Admission): string => {
  if (!('identity' in admission)) throw new Error(admission.kind);
  return admission.identity.id;
};

const resource = ({ subject, userName }: Who, more: object = {}) => ({
  schemas: [USER],
  userName,
  externalId: subject,
  displayName: 'Max Example',
  active: true,
  ...more,
});

const push = (who: Who): Promise<ScimReply> => scim.post('/Users', resource(who));
const find = async (filter: string) => (await scim.filter('/Users', filter)).body;

/** Brings a person into the given state; returns the identity's id. */
const states: Record<string, (who: Who) => Promise<string>> = {
  'known by a sign-in': async (who) => identityOf(await signIn(who)),
  'known by a sign-in with a verified address': async (who) => identityOf(await signIn(who, true)),
  pushed: async (who) => (await push(who)).body.id,
  'switched off': async (who) => {
    const { id } = (await push(who)).body;
    await scim.patch(`/Users/${id}`, { op: 'replace', value: { active: false } });
    return id;
  },
  deleted: async (who) => {
    const { id } = (await push(who)).body;
    await scim.delete(`/Users/${id}`);
    return id;
  },
};

/** Assigns a person as Okta does when it knows no resource: look-up, then GET and PUT, or POST. */
async function assign(who: Who): Promise<ScimReply> {
  const found = await find(`userName eq "${who.userName}"`);
  expect(found.totalResults).toBeLessThan(2);
  if (found.totalResults === 0) return push(who);
  const { id } = found.Resources[0]!;
  const before = (await scim.get(`/Users/${id}`)).body;
  return scim.put(`/Users/${id}`, { ...before, ...resource(who) });
}

/**
 * A new id together with a new name, or with a name that only a sign-in claimed, gives no proof that this is the same
 * person.
 */
const isSame = (state: string, id: string, name: string): boolean =>
  id === 'same' || (name === 'same' && state !== 'known by a sign-in');

const cases = Object.keys(states).flatMap((state) =>
  ['same', 'new'].flatMap((id) =>
    ['same', 'new'].flatMap((name) =>
      ['before any', 'after a'].map((when) => [state, id, name, when] as const),
    ),
  ),
);

async function comesBack(state: string, id: string, name: string, when: string) {
  const before = samplePerson();
  const other = samplePerson();
  const was = await states[state]!(before);
  const who = {
    subject: (id === 'same' ? before : other).subject,
    userName: (name === 'same' ? before : other).userName,
  };
  if (when === 'after a') await signIn(who);
  return { was, who };
}

describe('a person who comes back', () => {
  test.each(cases)('%s, then assigned under the %s id and %s name, %s sign-in', async (...road) => {
    const [state, id, name] = road;
    const { was, who } = await comesBack(...road);
    // Okta has linked an active person, so it writes to the resource that it knows.
    const isLinked = state === 'pushed' && id === 'same';
    const answer = isLinked ? await scim.put(`/Users/${was}`, resource(who)) : await assign(who);
    expect([200, 201]).toContain(answer.status);
    expect(answer.body.id === was).toBe(isSame(state, id, name));
    // Assigning again changes nothing, a sign-in leads to the same person, and the name finds no other resource.
    expect((await assign(who)).status).toBe(200);
    expect(identityOf(await signIn(who))).toBe(answer.body.id);
    for (const filter of [`userName eq "${who.userName}"`, `externalId eq "${who.subject}"`])
      expect(await find(filter)).toMatchObject({ totalResults: 1, Resources: [{ id: answer.body.id }] });
    expect(answer.body).toMatchObject({ userName: who.userName, externalId: who.subject, active: true });
  });

  test.each(cases)('%s, then posted under the %s id and %s name, %s sign-in', async (...road) => {
    const { who } = await comesBack(...road);
    const answer = await push(who);
    expect([201, 409]).toContain(answer.status);
    if (answer.status === 201) return;
    // A look-up finds every resource that makes a create answer 409.
    const found = [await find(`userName eq "${who.userName}"`), await find(`externalId eq "${who.subject}"`)];
    expect(found.some(({ totalResults }) => totalResults === 1)).toBe(true);
    expect(answer.body).toMatchObject({ scimType: 'uniqueness', status: '409' });
  });

  const visible = cases.filter(([state]) => state !== 'deleted');
  test.each(visible)('%s, then changed by PATCH to the %s id and %s name, %s sign-in', async (...road) => {
    const { was, who } = await comesBack(...road);
    const answer = await scim.patch(
      `/Users/${was}`,
      { op: 'replace', path: 'externalId', value: who.subject },
      { op: 'replace', value: { userName: who.userName, active: true } },
    );
    expect([answer.status, answer.body.id]).toEqual([200, was]);
    expect(identityOf(await signIn(who))).toBe(was);
  });
});

describe('an identity that is replaced', () => {
  test('is deactivated, keeps its Box user for an operator, and its sessions end', async () => {
    const who = samplePerson();
    const { id: older } = (await push(who)).body;
    const next = { ...who, subject: `00u${randomUUID()}` };
    const newer = identityOf(await signIn(next, true));
    const { api } = scim.house;
    const cookie = await api.session(newer);
    expect((await find(`userName eq "${who.userName}"`)).Resources.map(({ id }) => id)).toEqual([older]);
    expect((await scim.put(`/Users/${older}`, resource(next))).status).toBe(200);
    expect((await api.get('/v1/me', cookie)).status).toBe(401);
    const [row] = await api.sql('SELECT active, subject, generation FROM identity WHERE id = $1', [newer]);
    expect(row).toMatchObject({ active: false, generation: 2 });
    expect(String(row?.['subject'])).toMatch(/^scim:/);
    const requests = await api.sql(
      `SELECT generation FROM provisioning_request WHERE identity_id = $1 AND cause = 'scim'`,
      [newer],
    );
    expect(requests).toEqual([{ generation: 2 }]);
  });

  test('is not a separate resource for clients', async () => {
    const [one, two] = [samplePerson(), samplePerson()];
    const { id } = (await push(one)).body;
    await push(two);
    const answer = await scim.put(`/Users/${id}`, resource({ ...one, subject: two.subject }));
    expect([answer.status, answer.body.scimType]).toEqual([409, 'uniqueness']);
    expect((await scim.get(`/Users/${id}`)).body['externalId']).toBe(one.subject);
  });
});

describe('a user name that a sign-in claims', () => {
  test('is not found, linked or reserved by a directory', async () => {
    const ceo = samplePerson();
    const stranger = { ...ceo, subject: `00u${randomUUID()}` };
    const theirs = identityOf(await signIn(stranger));
    for (const filter of [
      `userName eq "${ceo.userName}"`,
      `userName sw "${ceo.userName.slice(0, 20)}"`,
      `emails.value eq "${ceo.userName}"`,
      `emails[value co "${ceo.userName.slice(0, 20)}"]`,
    ])
      expect([filter, (await find(filter)).totalResults]).toEqual([filter, 0]);
    const shown = (await scim.get(`/Users/${theirs}`)).body;
    expect(JSON.stringify(shown)).not.toContain(ceo.userName);
    expect(shown).toMatchObject({ userName: `sign-in:${theirs}`, externalId: stranger.subject });
    expect((await find(`userName eq "${String(shown['userName'])}"`)).Resources[0]?.id).toBe(theirs);
    const pushed = await push(ceo);
    expect(pushed.status).toBe(201);
    expect(pushed.body.id).not.toBe(theirs);
    // The other person keeps their own identity, and does not get the name by claiming it again.
    expect(identityOf(await signIn(stranger, true))).toBe(theirs);
    expect((await find(`userName eq "${ceo.userName}"`)).Resources.map(({ id }) => id)).toEqual([
      pushed.body.id,
    ]);
  });

  test('counts once the provider verifies the address, if it is the user name', async () => {
    const who = samplePerson();
    const id = identityOf(await signIn(who));
    const { context } = scim.house.api;
    const named = { issuer: context.config.OKTA_ISSUER_URI, subject: who.subject, name: 'Max Example' };
    const other = { ...named, username: who.userName, email: 'own@example.com' };
    await context.tenant.intake.admit(other, 'sign-in', undefined, undefined, { isEmailVerified: true });
    expect((await find(`userName eq "${who.userName}"`)).totalResults).toBe(0);
    await signIn(who, true);
    expect((await find(`userName eq "${who.userName.toUpperCase()}"`)).Resources[0]?.id).toBe(id);
    // When a provider that sends no `email_verified` repeats the name, it stays verified; a different name does not.
    await signIn(who);
    expect((await find(`userName eq "${who.userName}"`)).totalResults).toBe(1);
    await context.tenant.intake.admit({ ...named, username: 'boss@example.com' }, 'sign-in');
    expect((await find('userName eq "boss@example.com"')).totalResults).toBe(0);
  });

  test('counts as administered when a machine sends it', async () => {
    const { subject, userName } = samplePerson();
    await signIn({ subject, userName });
    const { context } = scim.house.api;
    const person = {
      issuer: context.config.OKTA_ISSUER_URI,
      subject,
      username: userName,
      name: 'Max Example',
    };
    await context.tenant.intake.admit(person, 'api');
    expect((await find(`userName eq "${userName}"`)).totalResults).toBe(1);
  });

  test('twenty creates and a sign-in at once are one person', async () => {
    const who = samplePerson();
    const [signedIn, ...answers] = await Promise.all([
      signIn(who),
      ...Array.from({ length: 20 }, () => push(who)),
    ]);
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([201, ...Array<number>(19).fill(409)]);
    const [made] = answers.filter(({ status }) => status === 201);
    expect(identityOf(signedIn)).toBe(made?.body.id);
  });
});

describe('a deactivated person is deactivated under every id with their user name', () => {
  test.each(['switched off', 'deleted'])('%s', async (state) => {
    const who = samplePerson();
    const was = await states[state]!(who);
    const other = { ...who, subject: `00u${randomUUID()}` };
    for (const userName of [who.userName, who.userName.toUpperCase()])
      expect(await signIn({ ...other, userName }, true)).toEqual({ kind: 'held', identityId: was });
    const { api } = scim.house;
    expect(await api.sql('SELECT FROM identity WHERE subject = $1', [other.subject])).toEqual([]);
    const held = await api.sql('SELECT identity_id, attempts FROM held_sign_in WHERE subject = $1', [
      other.subject,
    ]);
    expect(held).toEqual([{ identity_id: was, attempts: 2 }]);
  });

  test('also when they signed in before, and not when only a sign-in claimed the name', async () => {
    const who = samplePerson();
    const { id } = (await push(who)).body;
    const other = { ...who, subject: `00u${randomUUID()}` };
    expect(await signIn(other)).toMatchObject({ kind: 'requested' });
    await scim.patch(`/Users/${id}`, { op: 'replace', value: { active: false } });
    expect(await signIn(other)).toEqual({ kind: 'held', identityId: id });
    const claimed = samplePerson();
    const first = identityOf(await signIn(claimed));
    await scim.house.api.sql('UPDATE identity SET active = false WHERE id = $1', [first]);
    expect(await signIn({ ...claimed, subject: `00u${randomUUID()}` })).toMatchObject({ kind: 'requested' });
  });

  test('until the directory gives them the new id, or an operator says that they are another person', async () => {
    const who = samplePerson();
    const was = await states['switched off']!(who);
    const [returning, namesake] = [1, 2].map(() => ({ ...who, subject: `00u${randomUUID()}` })) as [Who, Who];
    for (const each of [returning, namesake]) expect((await signIn(each)).kind).toBe('held');
    const { HeldSignIns } = await import('@foyer/persistence');
    const { context } = scim.house.api;
    const held = new HeldSignIns(context.database, context.tenant.tenantId);
    expect(await held.release('00unobody', 'grace')).toBeNull();
    expect(await held.release(namesake.subject, 'grace')).toMatchObject({ releasedBy: 'grace' });
    expect(await held.release(namesake.subject, 'alan')).toMatchObject({ releasedBy: 'grace' });
    expect(identityOf(await signIn(namesake))).not.toBe(was);
    expect((await signIn(returning)).kind).toBe('held');
    await scim.put(`/Users/${was}`, resource(returning));
    expect(identityOf(await signIn(returning))).toBe(was);
  });
});
