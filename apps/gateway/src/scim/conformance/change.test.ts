import { ENTERPRISE, USER } from '../scim.harness.ts';
import { client, expectError, fresh, hired } from './conformance.harness.ts';

const house = client();

describe('RFC 7644, section 3.5: changing', () => {
  it('section 3.5.1: PUT replaces, and what cannot be written is left as it is', async () => {
    const { id, meta } = await hired(house.scim, { title: 'Keeper' });
    const answer = await house.scim.put(`/Users/${id}`, {
      schemas: [USER],
      id: 'other',
      userName: fresh(),
      meta: {},
    });
    expect(answer).toMatchObject({
      status: 200,
      body: { id, meta: { created: (meta as { created: string }).created } },
    });
    expect(answer.body).not.toHaveProperty('title');
    expect(answer.headers.get('etag')).toBe('W/"2"');
    expectError(await house.scim.put(`/Users/${id}`, { schemas: [USER] }), 400, 'invalidValue');
    const { userName } = await hired(house.scim);
    expectError(await house.scim.put(`/Users/${id}`, { schemas: [USER], userName }), 409, 'uniqueness');
  });

  it.each<[string, object[], object]>([
    ['add to an object', [{ op: 'add', path: 'name.middleName', value: 'M' }], { name: { middleName: 'M' } }],
    [
      'add an element',
      [{ op: 'add', path: 'emails', value: [{ value: 'h@example.com', type: 'home' }] }],
      { emails: [{ type: 'work' }, { value: 'h@example.com', type: 'home' }] },
    ],
    [
      'add without a path',
      [{ op: 'add', value: { nickName: 'N', emails: [{ value: 'h@example.com', type: 'home' }] } }],
      { nickName: 'N', emails: [{ type: 'work' }, { type: 'home' }] },
    ],
    [
      'replace by a value path',
      [{ op: 'replace', path: 'emails[type eq "work"].value', value: 'w@example.com' }],
      { emails: [{ value: 'w@example.com', type: 'work' }] },
    ],
    [
      'replace an extension’s attribute',
      [{ op: 'replace', path: `${ENTERPRISE}:department`, value: 'D' }],
      { [ENTERPRISE]: { department: 'D' } },
    ],
    [
      'replace with the extension as a key',
      [{ op: 'replace', value: { [ENTERPRISE]: { division: 'V' } } }],
      { [ENTERPRISE]: { division: 'V' } },
    ],
    [
      'replace a sub-attribute without a path',
      [{ op: 'replace', value: { name: { givenName: 'G' } } }],
      { name: { givenName: 'G', familyName: 'Example' } },
    ],
    [
      'make another one primary',
      [{ op: 'add', path: 'emails', value: [{ value: 'p@example.com', type: 'other', primary: true }] }],
      { emails: [{ primary: false }, { primary: true }] },
    ],
  ])('section 3.5.2: PATCH: %s', async (_what, operations, expected) => {
    const { id } = await hired(house.scim);
    const answer = await house.scim.patch(`/Users/${id}`, ...operations);
    expect(answer).toMatchObject({ status: 200, body: expected });
    expect((await house.scim.get(`/Users/${id}`)).body).toEqual(answer.body);
  });

  it.each([
    'title',
    'emails',
    'name.familyName',
    'emails[type eq "work"]',
    'externalId',
    ENTERPRISE,
    `${ENTERPRISE}:department`,
  ])('section 3.5.2.2: PATCH removes %s', async (path) => {
    const { id } = await hired(house.scim, { title: 'Keeper', [ENTERPRISE]: { department: 'D' } });
    const filter = path.startsWith('emails[') ? 'emails' : path;
    expect((await house.scim.filter('/Users', `id eq "${id}" and ${filter} pr`)).body.totalResults).toBe(1);
    expect((await house.scim.patch(`/Users/${id}`, { op: 'remove', path })).status).toBe(200);
    expect((await house.scim.filter('/Users', `id eq "${id}" and ${filter} pr`)).body.totalResults).toBe(0);
  });

  it.each<[string, object, string]>([
    ['an operation that is none', { op: 'move', path: 'title', value: 'x' }, 'invalidSyntax'],
    ['a path that is none', { op: 'replace', path: 'favourite colour', value: 'x' }, 'invalidPath'],
    ['half a path', { op: 'replace', path: 'emails[type eq "work"', value: 'x' }, 'invalidFilter'],
    ['a remove without a path', { op: 'remove' }, 'noTarget'],
    [
      'a replacement of what is not there',
      { op: 'replace', path: 'emails[type eq "fax"].value', value: 'x' },
      'noTarget',
    ],
    ['a change of the id', { op: 'replace', path: 'id', value: 'x' }, 'mutability'],
    ['a change of meta', { op: 'add', path: 'meta.version', value: 'x' }, 'mutability'],
    ['a change of groups', { op: 'add', path: 'groups', value: [{ value: 'x' }] }, 'mutability'],
    ['a removal of what is required', { op: 'remove', path: 'userName' }, 'mutability'],
    ['a value of another type', { op: 'replace', path: 'active', value: 'perhaps' }, 'invalidValue'],
  ])('section 3.5.2: refuses %s, with all of its request', async (_what, operation, scimType) => {
    const user = await hired(house.scim);
    const first = { op: 'replace', path: 'title', value: 'Changed' };
    expectError(await house.scim.patch(`/Users/${user.id}`, first, operation), 400, scimType);
    expect((await house.scim.get(`/Users/${user.id}`)).body).toEqual(user);
  });

  it('section 3.6: a deleted resource does not exist for any method or list', async () => {
    const { id, userName } = await hired(house.scim);
    const { body: group } = await house.scim.group(fresh(), [id]);
    expect((await house.scim.delete(`/Users/${id}`)).status).toBe(204);
    for (const method of ['GET', 'DELETE']) expectError(await house.scim.send(method, `/Users/${id}`), 404);
    expectError(await house.scim.put(`/Users/${id}`, { schemas: [USER], userName }), 404);
    expect((await house.scim.filter('/Users', `id eq "${id}"`)).body.totalResults).toBe(0);
    expect((await house.scim.get(`/Groups/${group.id}`)).body['members'] ?? []).toEqual([]);
    expect((await house.scim.post('/Users', { schemas: [USER], userName })).status).toBe(201);
  });
});
