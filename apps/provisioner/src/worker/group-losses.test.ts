import { ScimGroups } from '@foyer/persistence';
import type { GroupEdit } from '@foyer/scim';
import { LONG_MS, useLosses } from './losses.harness.ts';

const losses = useLosses();

type Opened = readonly { readonly requestId: string }[];

describe('a Box that loses every second call about groups', () => {
  it.each([
    ['before the commit', 'resetBefore'],
    ['after the commit', 'resetAfter'],
  ])(
    '%s still applies every member, new name and deletion',
    async (_when, kind) => {
      const { tenantId, settle, ends } = await losses.fixture();
      const groups = new ScimGroups(losses.database(), tenantId);
      const people = await losses.mapped(tenantId, 3);
      const members = people.map((value) => ({ value, display: null, type: null }));
      /** One group after the other, so that each meets the fault at each of its calls. */
      const done = (written: Opened) =>
        settle(
          'group',
          written.map(({ requestId }) => requestId),
        );
      const create = async (displayName: string, size: number): Promise<string> => {
        const { resource, requests } = await groups.create({ displayName }, members.slice(0, size));
        await done(requests);
        return resource.id;
      };
      const change = async (id: string, edit: GroupEdit, displayName = ''): Promise<Opened> =>
        (await groups.edit(
          id,
          () => undefined,
          [edit],
          () => ({ displayName }),
        ))!.requests;
      const rename = (id: string, to: string) => change(id, { kind: 'attributes', operations: [] }, to);
      const lose = () =>
        losses.twin().control('POST', 'faults', { kind, every: 2, times: null, match: { path: '/2.0' } });

      // Three pages of members, whom Foyer does not know.
      const { users } = await losses.twin().control<{ users: { id: string }[] }>('POST', 'seed', {
        users: Array.from({ length: 2_100 }, (_, at) => ({ name: `Other ${at}`, externalId: `other-${at}` })),
      });
      const others = users.map(({ id }) => id);
      await losses.twin().control('POST', 'seed', { groups: [{ name: 'By hand', members: others }] });
      await lose();
      const ids: string[] = [];
      for (let size = 0; size <= 3; size++) ids.push(await create(`Team ${size}`, size));
      ids.push(await create('By hand', 3));
      expect(await losses.inBox()).toEqual({
        'Team 0': 0,
        'Team 1': 1,
        'Team 2': 2,
        'Team 3': 3,
        'By hand': 2_103,
      });

      await done(await change(ids[3]!, { kind: 'remove-members', values: people.slice(0, 1) }));
      const first = await rename(ids[1]!, 'Between');
      const second = await rename(ids[2]!, 'Team 1');
      await done([...first, ...second, ...(await rename(ids[1]!, 'Team 2'))]);
      expect(await losses.inBox()).toEqual({
        'Team 0': 0,
        'Team 1': 2,
        'Team 2': 1,
        'Team 3': 2,
        'By hand': 2_103,
      });

      for (const id of ids) await done((await groups.remove(id, () => undefined))!);
      expect(await losses.inBox()).toEqual({});
      const statuses = (await ends()).map((end) => (end as { status: string }).status);
      expect(new Set(statuses)).toEqual(new Set(['succeeded']));
    },
    LONG_MS,
  );

  it.each(['resetBefore', 'resetAfter'])(
    'with %s keeps no person in a group who left it before their add was settled',
    async (kind) => {
      const { tenantId, settle, ends } = await losses.fixture();
      const groups = new ScimGroups(losses.database(), tenantId);
      const people = await losses.mapped(tenantId, 1);
      for (const [at, value] of ['first', 'second'].entries()) {
        const { resource, requests } = await groups.create({ displayName: value }, []);
        await settle(
          'group',
          requests.map(({ requestId }) => requestId),
        );
        // The add that ends ambiguously, and then the fault counts from the first or from the second call.
        const only = { method: 'POST', path: '/2.0/group_memberships' };
        await losses.twin().control('POST', 'faults', { kind, times: 1, match: only });
        const member = { value: people[0]!, display: null, type: null };
        const edited = (edit: GroupEdit) =>
          groups.edit(
            resource.id,
            () => undefined,
            [edit],
            (document) => document,
          );
        const added = (await edited({ kind: 'add-members', members: [member] }))!.requests;
        await settle(
          'group',
          added.map(({ requestId }) => requestId),
          1,
        );
        await losses.twin().control('DELETE', 'faults');
        await losses
          .twin()
          .control('POST', 'faults', { kind, every: 2, times: null, match: { path: '/2.0' } });
        if (at === 1) await fetch(new URL('/2.0/users/me', losses.twin().url));
        const removed = (await edited({ kind: 'remove-members', values: people }))!.requests;
        await settle(
          'group',
          [...added, ...removed].map(({ requestId }) => requestId),
        );
        await losses.twin().control('DELETE', 'faults');
        expect(await losses.inBox()).toMatchObject({ [value]: 0 });
      }
      expect(new Set((await ends()).map((end) => (end as { status: string }).status))).toEqual(
        new Set(['succeeded']),
      );
    },
    LONG_MS,
  );
});

describe('a group for which Box answers every 15th add with 503 after carrying it out', () => {
  it('has all 400 members in the end: each attempt makes progress', async () => {
    const { tenantId, settle, ends, state } = await losses.fixture();
    const people = await losses.mapped(tenantId, 400);
    const match = { method: 'POST', path: '/2.0/group_memberships' };
    await losses
      .twin()
      .control('POST', 'faults', { kind: 'statusAfter', status: 503, every: 15, times: null, match });
    const members = people.map((value) => ({ value, display: null, type: null }));
    const { requests } = await new ScimGroups(losses.database(), tenantId).create(
      { displayName: 'All' },
      members,
    );
    await settle(
      'group',
      requests.map(({ requestId }) => requestId),
    );
    expect(await ends()).toEqual([{ status: 'succeeded', outcome: 'created', code: null, count: 1 }]);
    expect(new Set((await state()).memberships.map(({ userId }) => userId)).size).toBe(400);
  });
});
