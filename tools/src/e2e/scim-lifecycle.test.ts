import { randomUUID } from 'node:crypto';
import { type Browser, signIn } from '../demonstration/browser.ts';
import { startStack, type Stack } from '../stack/stack.ts';
import { SAMPLE_PASSWORD, type NewOktaPerson } from '../stack/twins.ts';
import { differences } from './in-step.harness.ts';
import { ScimLoop } from './scim.harness.ts';
import { until } from '@foyer/testing';

let stack: Stack;
let loop: ScimLoop;

beforeAll(async () => {
  stack = await startStack({
    postgresUrl: process.env.FOYER_TEST_POSTGRES_URL,
    template: 'foyer_template',
    env: {
      gateway: { SIGN_IN_LIMIT_PER_MINUTE: '100000', SCIM_DELETE: 'delete' },
      provisioner: { RELAY_INTERVAL_MS: '200', RELAY_GRACE_MS: '1000', RETRY_BASE_MS: '100' },
    },
  });
  loop = await ScimLoop.start(stack);
});
afterAll(() => stack?.stop());

const mark = () => randomUUID().slice(0, 8);
/** A new person in Okta, without the app. */
const inOkta = (more: Partial<NewOktaPerson> = {}) => {
  const login = `iris-${mark()}@example.com`;
  return stack.okta.addPerson({ login, firstName: 'Iris', lastName: 'Example', assigned: false, ...more });
};
const hired = async (more: Partial<NewOktaPerson> = {}) => {
  const person = await inOkta(more);
  await loop.settled(stack.okta.scim.assign(person.login));
  return person;
};
const enter = (username: string, browser?: Browser) =>
  signIn(stack.urls.gateway, { username, password: SAMPLE_PASSWORD }, { browser });
/** The page appears without the files when Box lists them slowly; then they appear on a reload. */
const showsNotes = (browser: Browser) =>
  until('the page shows their file', async () =>
    (await browser.get(stack.urls.gateway)).html.includes('notes.txt') ? true : null,
  );
/** Of people who were assigned again under another Okta id: the first one, which Box keeps. */
const firstIds = new Map<string, string>();
const inStep = async () => expect(await differences(stack, firstIds)).toEqual([]);

describe.each(['aiw', 'oin'] as const)('a person whom Okta (%s) provisions', (dialect) => {
  const scim = () => stack.okta.scim;

  beforeAll(async () => {
    await loop.configure(dialect);
  });

  it('is created in Box when they are assigned, and follows every change of their profile', async () => {
    const { login, id } = await inOkta({ profile: { title: 'Engineer', locale: 'de_DE' } });
    const [request] = await loop.settled(scim().assign(login));
    expect(request).toMatchObject({ cause: 'scim', outcome: 'created' });
    await inStep();
    expect((await enter(login)).message).toBe('Hello Iris Example');
    const change = (profile: object) => loop.settled(scim().update(login, profile));
    await change({ firstName: 'Iria', lastName: 'Instance' });
    await inStep();
    expect((await enter(login)).message).toBe('Hello Iria Instance');
    await change({ profile: { title: 'Director', primaryPhone: '+1 555 0100', timezone: 'Europe/Berlin' } });
    await inStep();
    await change({ profile: { streetAddress: '1 Sample Street', city: 'Springfield', zipCode: '12345' } });
    await inStep();
    await change({
      profile: { locale: 'en_GB', title: null, primaryPhone: null, mobilePhone: '+1 555 0101' },
    });
    await inStep();
    await change({ profile: { streetAddress: null, city: null, zipCode: null, mobilePhone: null } });
    await inStep();
    expect(await loop.boxUser(id)).toMatchObject({ jobTitle: '', phone: '', address: '', language: 'gb' });
  });

  it('has records in the audit log of who requested what, and which Box calls followed', async () => {
    const { login, id } = await inOkta({ profile: { title: 'Engineer' } });
    const [request] = await loop.settled(scim().assign(login));
    const story = await loop.story(request!.id);
    expect(story.map(({ direction, operation, result }) => [direction, operation, result])).toEqual(
      expect.arrayContaining([
        ['in', 'scim_create', 'ok'],
        ['out', 'create_user', 'ok'],
      ]),
    );
    expect(story.find(({ direction }) => direction === 'in')).toMatchObject({
      actor: loop.actor,
      identityId: request!.identityId,
      parameters: { userName: login, externalId: id },
    });
    const [update] = await loop.settled(scim().update(login, { profile: { title: 'Director' } }));
    expect((await loop.story(update!.id)).map(({ operation }) => operation)).toEqual(
      expect.arrayContaining(['scim_replace', 'update_user']),
    );
    const [left] = await loop.settled(scim().unassign(login));
    const operations = (await loop.story(left!.id)).map(({ operation }) => operation);
    expect(operations).toEqual(
      expect.arrayContaining([dialect === 'aiw' ? 'scim_replace' : 'scim_patch', 'update_user']),
    );
    const told = JSON.stringify([story, await loop.story(update!.id), await loop.story(left!.id)]);
    expect(told).not.toContain(loop.token);
    expect(told).not.toMatch(/Bearer |twin-box-secret|"password":/);
  });

  it('is in Box’s groups as Okta pushes them: added, removed, the group renamed, unlinked, deleted', async () => {
    const [ada, ben, cleo] = await Promise.all([hired(), hired(), hired()]);
    const name = `Crew ${mark()}`;
    const members = async (group = name) => (await loop.boxMembers(group))?.length ?? null;
    await stack.okta.addGroup(name, [ada.login, ben.login]);
    const [created] = await loop.settled(scim().pushGroup(name));
    expect(created).toMatchObject({ cause: 'scim', outcome: 'created' });
    await inStep();
    expect(await members()).toBe(2);
    await loop.settled(scim().pushMembership(name, { add: [cleo.login], remove: [ada.login] }));
    await inStep();
    expect(await members()).toBe(2);
    const renamed = `${name} of the North`;
    const groupId = (await stack.box.state()).groups.find((group) => group.name === name)!.id;
    await loop.settled(scim().renameGroup(name, renamed));
    await inStep();
    expect((await stack.box.state()).groups.find(({ id }) => id === groupId)?.name).toBe(renamed);
    await loop.settled(scim().pushNow(renamed, 'whole'));
    await inStep();
    await loop.settled(scim().unlinkGroup(renamed, false));
    expect(await members(renamed)).toBe(2);
    expect(await loop.settled(scim().pushGroup(renamed))).toEqual(
      expect.arrayContaining([expect.objectContaining({ status: 'succeeded' })]),
    );
    await inStep();
    const [deleted] = await loop.settled(scim().unlinkGroup(renamed, true));
    expect(deleted).toMatchObject({ outcome: 'deleted' });
    expect(await members(renamed)).toBeNull();
    expect((await loop.story(deleted!.id)).map(({ operation }) => operation)).toEqual(
      expect.arrayContaining(['scim_delete', 'delete_group']),
    );
  });

  it('is deactivated everywhere when they leave, and finds their files when they come back', async () => {
    const { login, id } = await hired({ firstName: 'Lea', lastName: 'Ver' });
    const before = await loop.boxUser(id);
    await stack.box.seed({ files: [{ externalId: id, path: '/notes.txt' }] });
    const page = await enter(login);
    expect(page).toMatchObject({ message: 'Hello Lea Ver', boxUserId: before.id });
    await showsNotes(page.browser);
    expect((await page.browser.send('GET', `${stack.urls.gateway}/v1/me`)).status).toBe(200);

    const [left] = await loop.settled(scim().unassign(login));
    expect(left).toMatchObject({ outcome: 'deactivated' });
    await inStep();
    expect((await page.browser.send('GET', `${stack.urls.gateway}/v1/me`)).status).toBe(401);
    expect(
      await loop.outside.query('SELECT 1 FROM session WHERE sess ->> $1 = $2', [
        'identityId',
        left!.identityId,
      ]),
    ).toEqual([]);
    expect(await loop.boxUser(id)).toMatchObject({ id: before.id, status: 'inactive', items: 1 });
    expect(await loop.filesAs(before.id)).toMatchObject({ status: 401 });
    // Okta itself refuses their sign-in.
    expect((await enter(login)).status).toBe(403);
    // Foyer refuses it, too, whatever Okta's sign-in says: only a push reactivates them.
    await stack.okta.changePerson(id, { assigned: true });
    expect(await enter(login)).toMatchObject({ status: 403, message: 'Your access has been switched off' });
    await stack.okta.changePerson(id, { assigned: false });

    const again = await loop.settled(scim().reassign(login));
    // Okta writes twice at times, and the attempt for the first write may already include the second one.
    expect(again.map(({ outcome }) => outcome)).toContain('reactivated');
    await inStep();
    expect(await loop.boxUser(id)).toMatchObject({ id: before.id, status: 'active', items: 1 });
    expect(await loop.filesAs(before.id)).toEqual({ status: 200, names: ['notes.txt'] });
    const back = await enter(login);
    expect(back).toMatchObject({ message: 'Hello Lea Ver', boxUserId: before.id });
    await showsNotes(back.browser);
  });

  it('keeps their Box user when they are assigned again under another Okta id', async () => {
    const { login, id } = await hired();
    const before = await loop.boxUser(id);
    await stack.box.seed({ files: [{ externalId: id, path: '/notes.txt' }] });
    await loop.settled(scim().unassign(login));
    await stack.okta.removePerson(id);

    const anew = await inOkta({ login, firstName: 'Iris', lastName: 'Anew' });
    expect(anew.id).not.toBe(id);
    firstIds.set(anew.id, id);
    const task = await scim().assign(login);
    expect(task).toMatchObject({ result: 'reactivated' });
    await loop.settled(Promise.resolve(task));
    await inStep();
    expect(await loop.boxUser(id)).toMatchObject({ id: before.id, status: 'active', items: 1 });
    const back = await enter(login);
    expect(back).toMatchObject({ message: 'Hello Iris Anew', boxUserId: before.id });
    await showsNotes(back.browser);
    expect((await stack.box.state()).users.filter(({ externalId }) => externalId === anew.id)).toEqual([]);
  });

  it('is linked when they signed in before the app had provisioning: no person is created twice', async () => {
    const { login, id } = await inOkta({ assigned: true, profile: { title: 'Engineer' } });
    const first = await enter(login);
    expect(first.message).toBe('New user created: Iris Example');
    const task = await scim().provisionUser(login);
    expect(task).toMatchObject({ result: 'linked' });
    await loop.settled(Promise.resolve(task));
    await inStep();
    expect(await loop.boxUser(id)).toMatchObject({ id: first.boxUserId, jobTitle: 'Engineer' });
  });

  it('is matched by an import, and Okta pushes to a confirmed match as to any other person', async () => {
    const signedIn = await inOkta({ assigned: true });
    await enter(signedIn.login);
    await stack.okta.changePerson(signedIn.id, { assigned: false });
    const found = await scim().import(true);
    expect(found).toMatchObject({ status: 'done' });
    expect((found.result as { users: object[] }).users).toContainEqual(
      expect.objectContaining({ userName: signedIn.login, person: signedIn.id, by: 'userName' }),
    );
    await loop.settled(scim().update(signedIn.login, { firstName: 'Imported' }));
    await inStep();
  });
});

describe('any SCIM client', () => {
  const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
  const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';
  const hire = (login: string, externalId: string, more: object = {}) =>
    loop.send('POST', '/Users', {
      ...{ schemas: [USER], userName: login, externalId, active: true, displayName: 'Del Eted' },
      ...more,
    });
  const newcomer = async () => {
    const [login, externalId] = [`del-${mark()}@example.com`, `00u${mark()}`];
    const answer = await hire(login, externalId);
    expect(answer.status).toBe(201);
    await loop.ended(answer.headers.get('foyer-request')!);
    return { login, externalId, id: ((await answer.json()) as { id: string }).id };
  };
  const removed = async (id: string) => {
    const answer = await loop.send('DELETE', `/Users/${id}`);
    expect(answer.status).toBe(204);
    const request = await loop.ended(answer.headers.get('foyer-request')!);
    await loop.outside.allFinal();
    expect((await loop.send('GET', `/Users/${id}`)).status).toBe(404);
    return request;
  };
  const inBox = async (externalId: string) =>
    (await stack.box.state()).users.filter((user) => user.externalId === externalId);

  it('that creates a person twice, by name or by id, is answered with 409, and Box has one user', async () => {
    const { login, externalId } = await newcomer();
    const answers = await Promise.all([
      hire(login, externalId),
      hire(login.toUpperCase(), `00u${mark()}`),
      hire(`other-${login}`, externalId),
    ]);
    for (const answer of answers) {
      expect(answer.status).toBe(409);
      expect(await answer.json()).toMatchObject({ scimType: 'uniqueness' });
    }
    expect(await inBox(externalId)).toHaveLength(1);
  });

  it('that creates the same person many times at once creates one person and one Box user', async () => {
    const [login, externalId] = [`at-once-${mark()}@example.com`, `00u${mark()}`];
    const answers = await Promise.all(Array.from({ length: 12 }, () => hire(login, externalId)));
    expect(answers.map(({ status }) => status).sort()).toEqual([
      201,
      ...Array.from({ length: 11 }, () => 409),
    ]);
    await loop.outside.allFinal();
    expect(await inBox(externalId)).toHaveLength(1);
  });

  it('that deletes a person without content deletes them in Box, and gets a new user when they come back', async () => {
    const { login, externalId, id } = await newcomer();
    const [before] = await inBox(externalId);
    const group = await loop.send('POST', '/Groups', {
      schemas: [GROUP],
      displayName: `Del ${mark()}`,
      members: [{ value: id }],
    });
    await loop.ended(group.headers.get('foyer-request')!);
    await loop.outside.allFinal();
    const { displayName } = (await group.json()) as { displayName: string };
    expect(await loop.boxMembers(displayName)).toEqual([before!.id]);

    const request = await removed(id);
    expect(request).toMatchObject({ status: 'succeeded', outcome: 'deleted' });
    expect(await inBox(externalId)).toEqual([]);
    expect(await loop.boxMembers(displayName)).toEqual([]);
    const story = await loop.story(request.id);
    expect(story.map(({ operation }) => operation)).toEqual(
      expect.arrayContaining(['scim_delete', 'update_user', 'delete_user']),
    );

    const again = await hire(login, externalId);
    expect(again.status).toBe(201);
    expect(((await again.json()) as { id: string }).id).toBe(id);
    expect(await loop.ended(again.headers.get('foyer-request')!)).toMatchObject({ outcome: 'created' });
    const [after] = await inBox(externalId);
    expect(after).toMatchObject({ status: 'active' });
    expect(after!.id).not.toBe(before!.id);
    await loop.outside.allFinal();
    expect(await loop.boxMembers(displayName)).toEqual([]);
  });

  it('that deletes a person who owns a file deactivates them in Box, and they get the file back when they return', async () => {
    const { login, externalId, id } = await newcomer();
    const [before] = await inBox(externalId);
    await stack.box.seed({ files: [{ externalId, path: '/kept.txt' }] });
    expect(await removed(id)).toMatchObject({ status: 'succeeded', outcome: 'kept' });
    expect(await inBox(externalId)).toMatchObject([{ id: before!.id, status: 'inactive', items: 1 }]);
    const again = await hire(login, externalId);
    expect(again.status).toBe(201);
    expect(await loop.ended(again.headers.get('foyer-request')!)).toMatchObject({ outcome: 'reactivated' });
    expect(await inBox(externalId)).toMatchObject([{ id: before!.id, status: 'active', items: 1 }]);
  });

  it('that deletes, creates, deactivates and reactivates a person faster than Box answers ends in the last state that it requested', async () => {
    const { login, externalId, id } = await newcomer();
    await stack.box.settings({ latencyMs: 60 });
    for (let n = 0; n < 4; n++) {
      expect((await loop.send('DELETE', `/Users/${id}`)).status).toBe(204);
      expect((await hire(login, externalId, { title: `Title ${n}` })).status).toBe(201);
    }
    await loop.outside.allFinal();
    await stack.box.settings({ latencyMs: 0 });
    expect(await inBox(externalId)).toMatchObject([{ status: 'active', jobTitle: 'Title 3' }]);
  });

  it('that repeats a push provisions the person in Box when the last try had failed', async () => {
    const [login, externalId] = [`again-${mark()}@example.com`, `00u${mark()}`];
    await stack.box.fault({ kind: 'status', status: 400, times: 1, match: { method: 'POST', externalId } });
    const answer = await hire(login, externalId);
    expect(await loop.ended(answer.headers.get('foyer-request')!)).toMatchObject({ status: 'failed' });
    const user = (await answer.json()) as { id: string };
    const put = await loop.send('PUT', `/Users/${user.id}`, user);
    expect(put.status).toBe(200);
    expect(await loop.ended(put.headers.get('foyer-request')!)).toMatchObject({ status: 'succeeded' });
    expect(await inBox(externalId)).toHaveLength(1);
  });

  it('that repeats the push of a group starts another try, too', async () => {
    await stack.box.fault({ kind: 'status', status: 400, match: { method: 'POST', path: '/2.0/groups' } });
    const crew = { schemas: [GROUP], displayName: `Again ${mark()}` };
    const answer = await loop.send('POST', '/Groups', crew);
    expect(await loop.ended(answer.headers.get('foyer-request')!)).toMatchObject({ status: 'failed' });
    const { id } = (await answer.json()) as { id: string };
    const put = await loop.send('PUT', `/Groups/${id}`, crew);
    expect(await loop.ended(put.headers.get('foyer-request')!)).toMatchObject({ outcome: 'created' });
    expect(await loop.boxMembers(crew.displayName)).toEqual([]);
    const since = (await stack.box.calls()).at(-1)!.seq;
    expect((await loop.send('PUT', `/Groups/${id}`, crew)).status).toBe(200);
    await loop.outside.allFinal();
    expect(await stack.box.calls(since)).toEqual([]);
  });
});
