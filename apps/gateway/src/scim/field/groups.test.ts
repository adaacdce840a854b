import { PROVISIONING_URN } from '@foyer/scim';
import { GROUP, ScimTestClient, type ScimBody } from '../scim.harness.ts';

/** Problems with groups that operators of SCIM servers reported: each trigger over HTTP, and the correct result. */

let scim: ScimTestClient;
beforeAll(async () => {
  scim = await ScimTestClient.start();
});
afterAll(() => scim.stop());

const person = async (name: string): Promise<string> => (await scim.hire(name)).body.id;
const people = (prefix: string, count: number): Promise<string[]> =>
  Promise.all(Array.from({ length: count }, (_, n) => person(`${prefix}x${n}`)));
const groupOf = async (name: string, members: readonly string[] = []): Promise<string> =>
  (await scim.group(name, members)).body.id;
const membersOf = async (id: string): Promise<readonly unknown[]> => {
  const { body } = await scim.get(`/Groups/${id}`);
  return ((body['members'] ?? []) as readonly ScimBody[]).map(({ value }) => value).sort();
};
const waitingOf = async (id: string): Promise<unknown> => {
  const attribute = `${PROVISIONING_URN}:waitingMembers`;
  const { body } = await scim.get(`/Groups/${id}?attributes=${encodeURIComponent(attribute)}`);
  const { waitingMembers = [] } = (body[PROVISIONING_URN] ?? {}) as { waitingMembers?: readonly ScimBody[] };
  return waitingMembers.filter(({ reason }) => reason === 'unknown').map(({ value }) => value);
};
const expectDone = async (id: string, ...operations: readonly object[]) =>
  expect((await scim.patch(`/Groups/${id}`, ...operations)).status).toBe(204);

const cases: Readonly<Record<string, () => Promise<void>>> = {
  '21. an empty list of members removes all members': async () => {
    const id = await groupOf('b21', await people('b21', 2));
    await expectDone(id, { op: 'replace', path: 'members', value: [] });
    expect(await membersOf(id)).toEqual([]);
  },
  '22. an unknown member waits, and does not prevent the others from being added': async () => {
    const ada = await person('b22');
    const id = await groupOf('b22', ['998']);
    await expectDone(id, { op: 'add', path: 'members', value: [{ value: ada }, { value: '999' }] });
    expect(await membersOf(id)).toEqual(['998', '999', ada].sort());
    expect(await waitingOf(id)).toEqual(['998', '999']);
  },
  '23. a member without a type is a User': async () => {
    const ada = await person('b23');
    const id = await groupOf('b23');
    await expectDone(id, { op: 'add', path: 'members', value: [{ value: ada, display: 'ada' }] });
    const { body } = await scim.get(`/Groups/${id}`);
    expect(body['members']).toMatchObject([{ value: ada, type: 'User', display: 'ada' }]);
  },
  '24. members in a value without a path are treated as with a path': async () => {
    const [one = '', other = ''] = await people('b24', 2);
    const id = await groupOf('b24');
    await expectDone(id, { op: 'add', value: { members: [{ value: one }] } });
    expect(await membersOf(id)).toEqual([one]);
    await expectDone(id, { op: 'replace', value: { members: [{ value: other }] } });
    expect(await membersOf(id)).toEqual([other]);
  },
  '25. a PATCH with the id and without schemas renames the group': async () => {
    const id = await groupOf('b25');
    const rename = { Operations: [{ op: 'replace', value: { id, displayName: 'b25 renamed' } }] };
    for (let time = 0; time < 2; time++)
      expect((await scim.send('PATCH', `/Groups/${id}`, rename)).status).toBe(204);
    expect((await scim.get(`/Groups/${id}`)).body).toMatchObject({ id, displayName: 'b25 renamed' });
  },
  '26. a removal removes the named members, all if it names none, and no member for an empty list':
    async () => {
      const ids = await people('b26', 4);
      const [one = '', ...others] = ids;
      const id = await groupOf('b26', ids);
      await expectDone(id, { op: 'Remove', path: 'members', value: [{ value: one }] });
      expect(await membersOf(id)).toEqual(others.toSorted());
      await expectDone(id, { op: 'remove', path: 'members', value: [] });
      expect(await membersOf(id)).toEqual(others.toSorted());
      await expectDone(id, { op: 'remove', path: 'members' });
      expect(await membersOf(id)).toEqual([]);
    },
  '27. adding an existing member changes nothing': async () => {
    const ada = await person('b27');
    const id = await groupOf('b27');
    const add = {
      op: 'add',
      value: { members: [{ value: ada, display: 'x', $ref: `${scim.origin}/scim/v2/Users/${ada}` }] },
    };
    await expectDone(id, add);
    const { headers } = await scim.get(`/Groups/${id}`);
    await expectDone(id, add);
    expect(await membersOf(id)).toEqual([ada]);
    expect((await scim.get(`/Groups/${id}`)).headers.get('etag')).toBe(headers.get('etag'));
  },
  '28. members are returned before Box has any of them': async () => {
    const ids = await people('b28', 3);
    const id = await groupOf('b28');
    const members = ids.map((value) => ({ value }));
    const put = await scim.put(`/Groups/${id}`, { schemas: [GROUP], displayName: 'b28', members });
    expect(put.status).toBe(200);
    const { body } = await scim.get(`/Groups/${id}?attributes=members`);
    expect((body['members'] as readonly ScimBody[]).map(({ value }) => value).sort()).toEqual(ids.toSorted());
  },
  '29. members who are pushed before the people are members once the people exist, in any order':
    async () => {
      const names = ['b29a', 'b29b', 'b29c', 'b29d'];
      for (const [turn, at] of [0, 2, 4].entries()) {
        const here = names.map((name) => `${name}${turn}`);
        const ids: string[] = [];
        for (const name of here.slice(0, at)) ids.push(await person(name));
        // Each member once by Okta's id, and once more by ours where that is known.
        const id = await groupOf(`b29 ${turn}`, [...here.map((name) => `00u${name}`), ...ids]);
        for (const name of here.slice(at)) ids.push(await person(name));
        expect(await membersOf(id)).toEqual(ids.toSorted());
        expect(await waitingOf(id)).toEqual([]);
      }
    },
  '30. an existing group is refused with 409, found in any case, and linked by PUT': async () => {
    const id = await groupOf('b30 Engineers');
    const again = await scim.group('b30 engineers');
    expect([again.status, again.body.scimType]).toEqual([409, 'uniqueness']);
    const { body } = await scim.filter('/Groups', 'displayName eq "B30 ENGINEERS"');
    expect(body.Resources.map((each) => each.id)).toEqual([id]);
    const put = await scim.put(`/Groups/${id}`, {
      schemas: [GROUP],
      displayName: 'b30 Engineers',
      members: [],
    });
    expect([put.status, put.body.id]).toEqual([200, id]);
  },
};

it.each(Object.entries(cases))('%s', (_title, check) => check());
