import { PROVISIONING_URN } from '@foyer/scim';
import { GROUP, ScimTestClient, type ScimBody } from './scim.harness.ts';

let scim: ScimTestClient;
beforeAll(async () => {
  scim = await ScimTestClient.start();
});
afterAll(() => scim.stop());

const membersOf = async (id: string): Promise<string[]> => {
  const { body } = await scim.get(`/Groups/${id}`);
  return ((body['members'] ?? []) as { value: string }[]).map(({ value }) => value).sort();
};

async function people(...names: readonly string[]): Promise<string[]> {
  const made = await Promise.all(names.map((name) => scim.hire(name)));
  return made.map(({ body }) => body.id);
}

describe('a group', () => {
  it('is created with members, found by name in any case, and known once', async () => {
    const [ann, ben] = await people('ann', 'ben');
    const made = await scim.group('Engineers', [ann!, ben!]);
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      schemas: [GROUP, PROVISIONING_URN],
      displayName: 'Engineers',
      meta: { resourceType: 'Group', version: 'W/"1"' },
      [PROVISIONING_URN]: { inStep: false },
    });
    expect(await membersOf(made.body.id)).toEqual([ann, ben].sort());
    const found = await scim.filter('/Groups', 'displayName eq "engineers"');
    expect(found.body.Resources.map(({ id }) => id)).toEqual([made.body.id]);
    expect((await scim.group('ENGINEERS')).body).toMatchObject({ status: '409', scimType: 'uniqueness' });
    const user = (await scim.get(`/Users/${ann}`)).body;
    expect(user['groups']).toMatchObject([{ value: made.body.id, display: 'Engineers', type: 'direct' }]);
    const byMember = await scim.filter('/Groups', `members[value eq "${ann}"]`);
    expect(byMember.body.totalResults).toBe(1);
  });

  it('accepts what Okta sends: a rename with every change, removals by value path, additions, all members, no members', async () => {
    const [cat, dan, eli] = await people('cat', 'dan', 'eli');
    const { body: made } = await scim.group('Writers', [cat!]);
    const path = `/Groups/${made.id}`;
    const both = await scim.patch(
      path,
      { op: 'replace', value: { id: made.id, displayName: 'Writers' } },
      { op: 'remove', path: `members[value eq "${cat}"]` },
      { op: 'add', path: 'members', value: [{ value: dan, display: 'dan@example.com' }] },
    );
    expect(both.status).toBe(204);
    expect(both.headers.get('foyer-request')).toContain('/v1/provisioning-requests/');
    expect(await membersOf(made.id)).toEqual([dan]);
    await scim.patch(path, { op: 'replace', path: 'members', value: [{ value: cat }, { value: eli }] });
    expect(await membersOf(made.id)).toEqual([cat, eli].sort());
    await scim.patch(path, { op: 'replace', path: 'members', value: [] });
    expect(await membersOf(made.id)).toEqual([]);
    await scim.put(path, {
      schemas: [GROUP],
      id: made.id,
      displayName: 'Authors',
      members: [{ value: eli }],
    });
    expect(await membersOf(made.id)).toEqual([eli]);
    expect((await scim.get(`${path}?excludedAttributes=members`)).body).not.toHaveProperty('members');
    expect((await scim.get(path)).body['displayName']).toBe('Authors');
  });

  it('changes nothing, including its version, when it gets its current state', async () => {
    const [fox] = await people('fox');
    const { body: made } = await scim.group('Same', [fox!]);
    const again = await scim.patch(
      `/Groups/${made.id}`,
      { op: 'replace', value: { id: made.id, displayName: 'Same' } },
      { op: 'add', path: 'members', value: [{ value: fox }] },
      { op: 'remove', path: 'members[value eq "nobody"]' },
    );
    expect([again.status, again.headers.get('etag')]).toEqual([204, 'W/"1"']);
  });

  it('does not exist after a DELETE, and its name is free', async () => {
    const { body: made } = await scim.group('Brief');
    expect((await scim.delete(`/Groups/${made.id}`)).status).toBe(204);
    expect((await scim.get(`/Groups/${made.id}`)).status).toBe(404);
    expect((await scim.group('Brief')).status).toBe(201);
  });
});

describe('unknown members', () => {
  const waiting = (body: ScimBody) => (body[PROVISIONING_URN] as { waitingMembers?: unknown }).waitingMembers;

  it('never fail the group: they are listed as waiting, and become the person when the person is created', async () => {
    const [gil] = await people('gil');
    const made = await scim.group('Waiting', [gil!, '00ulater', 'no such id']);
    expect(made.status).toBe(201);
    const path = `/Groups/${made.body.id}`;
    const shown = await scim.get(`${path}?attributes=members,${PROVISIONING_URN}:waitingMembers`);
    expect(waiting(shown.body)).toEqual(
      expect.arrayContaining([
        { value: '00ulater', reason: 'unknown' },
        { value: 'no such id', reason: 'unknown' },
        { value: gil, reason: 'not-in-box' },
      ]),
    );
    const { body: later } = await scim.hire('later');
    expect(await membersOf(made.body.id)).toEqual([gil, later.id, 'no such id'].sort());
    expect((await scim.get(`/Users/${later.id}`)).body['groups']).toMatchObject([{ display: 'Waiting' }]);
  });

  it('may be groups: they are accepted, and not sent to Box', async () => {
    const inner = await scim.group('Inner');
    const outer = await scim.post('/Groups', {
      schemas: [GROUP],
      displayName: 'Outer',
      members: [{ value: inner.body.id, type: 'Group' }],
    });
    expect(outer.status).toBe(201);
    expect(outer.body['members']).toMatchObject([{ value: inner.body.id, type: 'Group' }]);
  });
});

describe('changes at the same time', () => {
  it('lose no member, and leave no extra member, in any order', async () => {
    const names = Array.from({ length: 24 }, (_, n) => `race${n}`);
    const ids = await people(...names);
    const { body: made } = await scim.group('Race', ids.slice(0, 12));
    const path = `/Groups/${made.id}`;
    const answers = await Promise.all([
      ...ids.slice(0, 12).map((id) => scim.patch(path, { op: 'remove', path: `members[value eq "${id}"]` })),
      ...ids.slice(12).map((id) => scim.patch(path, { op: 'add', path: 'members', value: [{ value: id }] })),
      ...Array.from({ length: 6 }, () => scim.patch(path, { op: 'replace', value: { displayName: 'Race' } })),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 204));
    expect(await membersOf(made.id)).toEqual(ids.slice(12).sort());
    expect((await scim.get(path)).headers.get('etag')).toBe('W/"25"');
  });

  it('are refused, all but one, when each insists on the version that it saw', async () => {
    const ids = await people('opt1', 'opt2', 'opt3', 'opt4');
    const { body: made } = await scim.group('Optimists');
    const answers = await Promise.all(
      ids.map((value) =>
        scim.send(
          'PATCH',
          `/Groups/${made.id}`,
          { Operations: [{ op: 'add', path: 'members', value: [{ value }] }] },
          { 'if-match': 'W/"1"' },
        ),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 412, 412, 412]);
    expect(await membersOf(made.id)).toHaveLength(1);
  });
});
