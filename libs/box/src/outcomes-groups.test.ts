import { leasedContext, MemoryCallLog } from '@foyer/provisioning/testing';
import { createBox, type Box } from './index.ts';
import { auth, json, reset, ScriptedBox, user, type Answer } from './scripted-box.harness.ts';

let server: ScriptedBox;
let log: MemoryCallLog;
let box: Box;
const context = leasedContext();
const key = { boxUserId: '7', boxGroupId: '8' };

beforeEach(async () => {
  server = await ScriptedBox.start();
  log = new MemoryCallLog();
  box = createBox({ auth, baseUrl: server.url, log });
});
afterEach(async () => {
  await box.close();
  await server.close();
});

const groups = (names: string[], more: object): Answer =>
  json(200, { entries: names.map((name, at) => ({ type: 'group', id: `${100 + at}`, name })), ...more });
const members = (ids: string[], more: object): Answer =>
  json(200, {
    entries: ids.map((id) => ({ id: `${id}0`, user: { id }, group: { id: '8' } })),
    ...more,
  });
const list = (offset: number, limit = 1000) =>
  box.listMemberships(context, { boxGroupId: '8', offset, limit });
const nextOffset = async (offset: number, limit?: number): Promise<number | null> => {
  const page = await list(offset, limit);
  if (!page.ok) throw new Error(page.fault.code);
  return page.value.nextOffset;
};
const queries = () => server.apiRequests.map(({ url }) => Object.fromEntries(url.searchParams));
const none = (response: Parameters<Answer>[0]) => response.writeHead(204).end();

describe('paging by offset', () => {
  it('advances by the limit that Box applied, not by the number of entries', async () => {
    server.api(members(['1'], { total_count: 900, limit: 100 }));
    expect(await nextOffset(200)).toBe(300);
  });

  it.each([
    ['the total is reached', { total_count: 1000, limit: 1000 }, ['1'], null],
    ['the total is larger, although the page is empty', { total_count: 1001, limit: 1000 }, [], 1000],
    ['there is no total and the page has entries', {}, ['1'], 1000],
    ['there is no total and the page is empty', {}, [], null],
    ['total and limit are invalid', { total_count: 'many', limit: 0 }, ['1'], 1000],
  ])('is right when %s', async (_name, more, ids, expected) => {
    server.api(members(ids, more));
    expect(await nextOffset(0)).toBe(expected);
  });

  it('never advances by more than the requested limit, whatever limit Box names', async () => {
    server.api(members(['1'], { total_count: 5000, limit: 5000 }));
    expect(await nextOffset(0, 10)).toBe(10);
  });

  it('searches for a group across short pages, and stops at the exact name', async () => {
    server.api(
      groups(['Sales 1'], { total_count: 3000, limit: 1000 }),
      groups(['Sales 2', 'Sales'], { total_count: 3000, limit: 1000 }),
    );
    expect(await box.findGroup(context, 'Sales')).toEqual({ ok: true, value: { id: '101', name: 'Sales' } });
    const query = { filter_term: 'Sales', limit: '1000', fields: 'id,name' };
    expect(queries()).toEqual([
      { ...query, offset: '0' },
      { ...query, offset: '1000' },
    ]);
    expect(log.of('find_group').map(({ outcome }) => outcome?.answer)).toEqual([
      { groups: 1 },
      { groups: 2, id: '101' },
    ]);
  });

  it('reports an error when the list is longer than Box can show, rather than that the group does not exist', async () => {
    server.api(
      ...Array.from({ length: 11 }, () => groups(['Sales 1'], { total_count: 99_000, limit: 1000 })),
    );
    const result = await box.findGroup(context, 'Sales');
    expect(result).toMatchObject({ ok: false, fault: { code: 'box_invalid', ambiguous: false } });
    expect(queries().at(-1)).toMatchObject({ offset: '10000' });
    expect(server.apiRequests).toHaveLength(11);
  });

  it('ends a search at the first page that fails', async () => {
    server.api(groups(['Sales 1'], { total_count: 3000 }), json(503, {}));
    const result = await box.findGroup(context, 'Sales');
    expect(result).toMatchObject({ ok: false, fault: { code: 'box_unavailable' } });
  });

  it('treats a page without ids as a failure', async () => {
    server.api(
      json(200, { entries: [{ id: '../1', name: 'Sales' }] }),
      json(200, { entries: [{ id: '1' }] }),
    );
    expect(await box.findGroup(context, 'Sales')).toMatchObject({
      ok: false,
      fault: { code: 'box_unavailable' },
    });
    expect(await list(0)).toMatchObject({ ok: false, fault: { code: 'box_unavailable' } });
  });
});

describe('the meaning of a refusal', () => {
  it('is that a group or a membership exists, for a 409 without a body or with another code', async () => {
    const bare: Answer = (response) => response.writeHead(409).end();
    server.api(bare, json(409, { code: 'something_new' }), bare, json(409, { code: 'something_new' }));
    const exists = { ok: true, value: { kind: 'exists' } };
    expect(await box.createGroup(context, { name: 'Sales' })).toEqual(exists);
    expect(await box.createGroup(context, { name: 'Sales' })).toEqual(exists);
    expect(await box.addMembership(context, key)).toEqual(exists);
    expect(await box.addMembership(context, key)).toEqual(exists);
  });

  it('is box_forbidden for a member whom Box forbids, and not that the member is missing', async () => {
    server.api(json(403, { code: 'forbidden_by_policy', message: 'Information barrier' }));
    expect(await box.addMembership(context, key)).toMatchObject({
      ok: false,
      fault: { code: 'box_forbidden' },
    });
  });

  it('is that the user owns content, for a 400 with that message only', async () => {
    server.api(
      json(400, { code: 'bad_request', message: 'User has managed content' }),
      json(400, { code: 'bad_request', message: 'Bad Request' }),
      json(403, { code: 'forbidden', message: 'Access denied - insufficient permission' }),
      json(404, {}),
      none,
    );
    const remove = () => box.deleteUser(context, '4711');
    expect(await remove()).toEqual({ ok: true, value: 'owns-content' });
    expect(await remove()).toMatchObject({ ok: false, fault: { code: 'box_invalid' } });
    expect(await remove()).toMatchObject({ ok: false, fault: { code: 'box_forbidden' } });
    expect(await remove()).toEqual({ ok: true, value: 'deleted' });
    expect(await remove()).toEqual({ ok: true, value: 'deleted' });
    expect(log.of('delete_user').map(({ outcome }) => outcome?.result)).toEqual([
      'refused',
      'refused',
      'refused',
      'refused',
      'ok',
    ]);
  });

  it.each([
    ['no answer', reset],
    ['a 503', json(503, {})],
    ['a 201 that is no membership', json(201, { hello: 'there' })],
  ])('leaves an add ambiguous after %s, sent once', async (_name, answer) => {
    server.api(answer);
    const fault = { code: 'box_ambiguous', ambiguous: true };
    expect(await box.addMembership(context, key)).toMatchObject({ ok: false, fault });
    expect(server.apiRequests).toHaveLength(1);
  });
});

describe('the requests', () => {
  const sent = () => server.apiRequests.map(({ method, url, body }) => [method, url.pathname, body]);

  it('create a group without provenance, which would lock it in Box, and a membership by ids', async () => {
    server.api(json(201, { id: '8', name: 'Sales' }), json(201, { id: '9' }), none, none);
    await box.createGroup(context, { name: 'Sales' });
    expect(await box.addMembership(context, key)).toEqual({
      ok: true,
      value: { kind: 'added', membershipId: '9' },
    });
    await box.removeMembership(context, '9');
    await box.deleteGroup(context, '8');
    expect(sent()).toEqual([
      ['POST', '/2.0/groups', '{"name":"Sales"}'],
      ['POST', '/2.0/group_memberships', '{"user":{"id":"7"},"group":{"id":"8"}}'],
      ['DELETE', '/2.0/group_memberships/9', ''],
      ['DELETE', '/2.0/groups/8', ''],
    ]);
  });

  it("use Box's field names for a profile, and delete without force", async () => {
    server.api(json(201, user), json(200, user), none);
    await box.createUser(context, {
      externalId: 'sub-1',
      name: 'Ada Example',
      status: 'inactive',
      profile: { jobTitle: 'Countess', language: 'gb' },
    });
    await box.updateUser(context, '4711', { phone: '', externalId: 'sub-2', timezone: undefined });
    await box.deleteUser(context, '4711');
    expect(
      server.apiRequests.map(({ body }) => (body === '' ? null : (JSON.parse(body) as unknown))),
    ).toEqual([
      {
        name: 'Ada Example',
        external_app_user_id: 'sub-1',
        is_platform_access_only: true,
        status: 'inactive',
        job_title: 'Countess',
        language: 'gb',
      },
      { phone: '', external_app_user_id: 'sub-2' },
      null,
    ]);
    expect(queries().at(-1)).toEqual({});
  });
});
