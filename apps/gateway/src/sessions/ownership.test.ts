import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Answer, Credentials } from '../access/api.harness.ts';
import { ScimTestClient } from '../scim/scim.harness.ts';

let scim: ScimTestClient;
beforeAll(async () => {
  scim = await ScimTestClient.start();
});
afterAll(() => scim.stop());

/** A signed-in person and their browser. */
async function signedIn(): Promise<{ id: string; subject: string; requestId: string; cookie: Credentials }> {
  const { api } = scim.house;
  const { identityId: id, subject, requestId } = await api.admit();
  return { id, subject, requestId, cookie: await api.session(id) };
}

const me = (cookie: Credentials): Promise<Answer> => scim.house.api.get('/v1/me', cookie);
const rowsOf = (id: string) =>
  scim.house.api.sql(`SELECT sid FROM session WHERE sess ->> 'identityId' = $1`, [id]);

/** The ways in which an identity loses its holder, over SCIM or directly in the database. */
const roads: Record<string, (id: string) => Promise<unknown>> = {
  'a PUT with another externalId': async (id) =>
    scim.put(`/Users/${id}`, { ...(await scim.get(`/Users/${id}`)).body, externalId: `00u${randomUUID()}` }),
  'a PATCH of the externalId': (id) =>
    scim.patch(`/Users/${id}`, { op: 'replace', path: 'externalId', value: `00u${randomUUID()}` }),
  'a PATCH that removes the externalId': (id) =>
    scim.patch(`/Users/${id}`, { op: 'remove', path: 'externalId' }),
  'a PATCH that switches off': (id) =>
    scim.patch(`/Users/${id}`, { op: 'replace', value: { active: false } }),
  'a DELETE': (id) => scim.delete(`/Users/${id}`),
  'a change in the database': (id) =>
    scim.house.api.sql(`UPDATE identity SET subject = $2 WHERE id = $1`, [id, `00u${randomUUID()}`]),
};

describe('a session ends with the link it was made under', () => {
  test.each(Object.entries(roads))('after %s', async (_name, take) => {
    const { id, cookie } = await signedIn();
    const [other, others] = [await scim.house.api.session(id), await signedIn()];
    expect((await me(cookie)).body).toMatchObject({ identity: { id } });
    await take(id);
    for (const former of [cookie, other]) {
      const answer = await me(former);
      expect([answer.status, answer.text.includes(id)]).toEqual([401, false]);
    }
    expect(await rowsOf(id)).toEqual([]);
    expect((await me(others.cookie)).status).toBe(200);
  });

  test('in one transaction: while the change may be rolled back, the session is valid', async () => {
    const { id, cookie } = await signedIn();
    const client = await scim.house.api.context.database.pool.connect();
    try {
      await client.query('BEGIN');
      await client.query(`UPDATE identity SET subject = subject || '-next' WHERE id = $1`, [id]);
      expect((await me(cookie)).status).toBe(200);
      await client.query('ROLLBACK');
      expect((await me(cookie)).status).toBe(200);
      await client.query('BEGIN');
      await client.query(`UPDATE identity SET subject = subject || '-next' WHERE id = $1`, [id]);
      await client.query('COMMIT');
      expect((await me(cookie)).status).toBe(401);
    } finally {
      client.release();
    }
  });

  test('but not when only the profile changes', async () => {
    const { id, subject, cookie } = await signedIn();
    const before = (await scim.get(`/Users/${id}`)).body;
    await scim.put(`/Users/${id}`, { ...before, userName: `${subject}-new@example.com`, title: 'Lead' });
    expect((await me(cookie)).status).toBe(200);
  });

  test('although the sign-in was just ending: a session that is written afterwards is not valid', async () => {
    const { id, subject } = await signedIn();
    const { api } = scim.house;
    const admitted = await api.context.tenant.intake.admit(
      {
        issuer: api.context.config.OKTA_ISSUER_URI,
        subject,
        username: `${subject}@example.com`,
        name: 'Ada',
      },
      'sign-in',
    );
    expect(admitted).toMatchObject({ identity: { sessionEpoch: 1 } });
    await scim.patch(`/Users/${id}`, { op: 'replace', path: 'externalId', value: `${subject}-next` });
    const late = await api.session(id);
    await api.sql(
      `UPDATE session SET sess = jsonb_set(sess::jsonb, '{epoch}', '1')::json WHERE sess ->> 'identityId' = $1`,
      [id],
    );
    expect((await me(late)).status).toBe(401);
    expect(await rowsOf(id)).toEqual([]);
  });

  test('a session of a person who does not exist, or without a person, is not valid', async () => {
    expect((await me(await scim.house.api.session(randomUUID()))).status).toBe(401);
  });
});

describe('a request in progress for the former holder', () => {
  const held = async (): Promise<void> => {
    while (scim.house.api.context.watch.waiting === 0) await new Promise(setImmediate);
  };

  test.each(Object.entries(roads))('a held poll ends with 401 after %s', async (_name, take) => {
    const { id, requestId, cookie } = await signedIn();
    const path = `/v1/provisioning-requests/${requestId}`;
    const poll = scim.house.api.get(path, cookie, { prefer: 'wait=30' });
    await held();
    const began = performance.now();
    await take(id);
    const answer = await poll;
    expect([answer.status, answer.body.code]).toEqual([401, 'unauthenticated']);
    // Far from the thirty seconds, even on a slow machine.
    expect(performance.now() - began).toBeLessThan(15_000);
  });

  test('a held poll ends when they sign out', async () => {
    const { id, requestId, cookie } = await signedIn();
    const poll = scim.house.api.get(`/v1/provisioning-requests/${requestId}`, cookie, { prefer: 'wait=30' });
    await held();
    await scim.house.api.sql(`DELETE FROM session WHERE sess ->> 'identityId' = $1`, [id]);
    expect((await poll).status).toBe(401);
  });

  test('a poll of a machine continues', async () => {
    const { id, requestId } = await signedIn();
    const { api } = scim.house;
    const path = `/v1/provisioning-requests/${requestId}`;
    const poll = api.get(path, await api.machine('foyer.read'), { prefer: 'wait=30' });
    await held();
    await scim.patch(`/Users/${id}`, { op: 'replace', path: 'externalId', value: `00u${randomUUID()}` });
    await api.finish(requestId, {});
    expect((await poll).status).toBe(200);
  });
});
