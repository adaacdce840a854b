import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { HeldSignIns, type Admission } from '@foyer/persistence';
import { ScimTestClient, USER } from './scim.harness.ts';

let scim: ScimTestClient;
beforeAll(async () => {
  scim = await ScimTestClient.start();
});
afterAll(() => scim.stop());

interface Who {
  readonly subject: string;
  readonly userName: string;
}

const newId = (): string => `00u${randomUUID()}`;
const samplePerson = (): Who => ({ subject: newId(), userName: `${randomUUID()}@example.com` });

const admit = ({ subject, userName }: Who, cause: 'sign-in' | 'api', isEmailVerified = false) => {
  const { context } = scim.house.api;
  const person = { issuer: context.config.OKTA_ISSUER_URI, subject, username: userName, name: 'Max Example' };
  return context.tenant.intake.admit({ ...person, email: userName }, cause, undefined, undefined, {
    isEmailVerified,
  });
};
const signIn = (who: Who): Promise<Admission> => admit(who, 'sign-in');
const identityOf = (admission: Admission): string => {
  if (!('identity' in admission)) throw new Error(admission.kind);
  return admission.identity.id;
};

const resource = ({ subject, userName }: Who) => ({
  ...{ schemas: [USER], userName, externalId: subject, displayName: 'Max Example', active: true },
});

const linksOf = async (id: string) =>
  new Map(
    (
      await scim.house.api.sql(
        'SELECT subject, rule, made_by IS NOT NULL AS told FROM identity_link WHERE identity_id = $1',
        [id],
      )
    ).map((row) => [row['subject'], [row['rule'], row['told']]]),
  );

/** A person with an id of the tokens, to whom SCIM has given another one. */
async function withTwoIds(known: 'sign-in' | 'api') {
  const token = samplePerson();
  const id = identityOf(await admit(token, known, true));
  const pushed = { ...token, subject: newId() };
  expect((await scim.put(`/Users/${id}`, resource(pushed))).status).toBe(200);
  return { id, token, pushed };
}

const writes: Record<string, (id: string, subject: string) => Promise<unknown>> = {
  PUT: async (id, externalId) =>
    scim.put(`/Users/${id}`, { ...(await scim.get(`/Users/${id}`)).body, externalId }),
  PATCH: (id, value) => scim.patch(`/Users/${id}`, { op: 'replace', path: 'externalId', value }),
  'DELETE and POST': async (id, externalId) => {
    const { userName } = (await scim.get(`/Users/${id}`)).body;
    await scim.delete(`/Users/${id}`);
    await scim.post('/Users', { schemas: [USER], userName, externalId });
  },
};

describe('a second id of a person', () => {
  test.each(['sign-in', 'api'] as const)(
    'that SCIM adds to one known by %s leads to the same person',
    async (known) => {
      const { id, token, pushed } = await withTwoIds(known);
      for (const who of [token, pushed]) expect(identityOf(await signIn(who))).toBe(id);
      expect(await linksOf(id)).toEqual(
        new Map([
          [token.subject, ['same_subject', true]],
          [pushed.subject, ['administered', true]],
        ]),
      );
      const [row] = await scim.house.api.sql('SELECT subject FROM identity WHERE id = $1', [id]);
      expect(row).toEqual({ subject: pushed.subject });
    },
  );

  test('is deactivated with them', async () => {
    const { id, token, pushed } = await withTwoIds('sign-in');
    await scim.patch(`/Users/${id}`, { op: 'replace', value: { active: false } });
    for (const who of [token, pushed])
      expect(await signIn(who)).toEqual({ kind: 'deactivated', identityId: id });
  });

  test.each(Object.entries(writes))(
    'replaces the one that SCIM gave before (%s), and not that of the tokens',
    async (road, write) => {
      const { id, token, pushed } = await withTwoIds('sign-in');
      const next = { ...pushed, subject: newId() };
      await write(id, next.subject);
      for (const who of [token, next]) expect(identityOf(await signIn(who))).toBe(id);
      const rule = road === 'DELETE and POST' ? 'pushed_user_name' : 'administered';
      expect(await linksOf(id)).toEqual(
        new Map([
          [token.subject, ['same_subject', true]],
          [next.subject, [rule, true]],
        ]),
      );
      expect(identityOf(await signIn(pushed))).not.toBe(id);
    },
  );

  test('is kept when SCIM removes its own', async () => {
    const { id, token } = await withTwoIds('sign-in');
    await scim.patch(`/Users/${id}`, { op: 'remove', path: 'externalId' });
    expect(identityOf(await signIn(token))).toBe(id);
    const rules = [...(await linksOf(id)).values()].map(([rule]) => rule);
    expect(rules.sort()).toEqual(['same_subject', 'stand_in']);
  });
});

describe('an id of the tokens that the directory gives to another person', () => {
  test.each(['POST', 'PUT'])('moves (%s), and the sessions of its previous person end', async (road) => {
    const { id, token, pushed } = await withTwoIds('sign-in');
    const cookie = await scim.house.api.session(id);
    expect((await scim.house.api.get('/v1/me', cookie)).status).toBe(200);
    const other = { ...samplePerson(), subject: token.subject };
    const first = road === 'POST' ? other : samplePerson();
    const made = await scim.post('/Users', resource(first));
    expect(made.status).toBe(201);
    expect(made.body.id).not.toBe(id);
    if (road === 'PUT') {
      const given = resource({ ...first, subject: token.subject });
      expect((await scim.put(`/Users/${made.body.id}`, given)).status).toBe(200);
    }
    expect((await scim.house.api.get('/v1/me', cookie)).status).toBe(401);
    expect(identityOf(await signIn(token))).toBe(made.body.id);
    expect(identityOf(await signIn(pushed))).toBe(id);
    expect((await scim.get(`/Users/${id}`)).body['active']).toBe(true);
  });
});

describe('an id of the tokens that comes with another user name', () => {
  test('is held until the directory confirms it, which may have given the old name to this person', async () => {
    const { id, token, pushed } = await withTwoIds('sign-in');
    const renamed = { ...token, userName: `${randomUUID()}@example.com` };
    expect(await signIn(renamed)).toEqual({ kind: 'held', identityId: id });
    await scim.put(`/Users/${id}`, resource({ ...pushed, userName: renamed.userName }));
    expect(identityOf(await signIn(renamed))).toBe(id);
  });

  test('is a separate person when an operator says so', async () => {
    const { id, token, pushed } = await withTwoIds('sign-in');
    const cookie = await scim.house.api.session(id);
    const renamed = { ...token, userName: `${randomUUID()}@example.com` };
    expect((await signIn(renamed)).kind).toBe('held');
    const { context } = scim.house.api;
    await new HeldSignIns(context.database, context.tenant.tenantId).release(token.subject, 'grace');
    const own = identityOf(await signIn(renamed));
    expect(own).not.toBe(id);
    expect((await linksOf(own)).get(token.subject)).toEqual(['operator_release', true]);
    expect((await scim.house.api.get('/v1/me', cookie)).status).toBe(401);
    expect(identityOf(await signIn(pushed))).toBe(id);
    expect(identityOf(await signIn(renamed))).toBe(own);
  });
});
