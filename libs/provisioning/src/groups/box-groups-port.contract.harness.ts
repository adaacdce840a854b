import { randomUUID } from 'node:crypto';
import type { MembershipPage } from './box-groups-port.ts';
import type { BoxSubject } from '../people/box-port.contract.harness.ts';
import { LeaseLost, type CallContext } from '../people/box-port.ts';
import { CountedAllowance, leasedContext } from '../attempts/memory-call-log.harness.ts';
import { fault, value } from '../people/results.harness.ts';

const NOBODY = '99999999999';

/** The contract of every BoxGroupsPort. Isolated by random names. */
export function describeBoxGroupsPort(suite: string, makeSubject: () => Promise<BoxSubject>): void {
  describe(`${suite} as a BoxGroupsPort`, () => {
    let subject: BoxSubject;
    let context: ReturnType<typeof leasedContext>;
    let name: string;

    beforeAll(async () => {
      subject = await makeSubject();
    });
    afterAll(() => subject.close());
    beforeEach(() => {
      context = leasedContext();
      name = `Sales ${randomUUID()}`;
    });

    const create = (as = name) => subject.box.createGroup(context, { name: as });
    const group = async (as = name) => {
      const result = value(await create(as));
      if (result.kind !== 'created') throw new Error('The group already exists.');
      return result.group;
    };
    const person = async () => {
      const result = value(
        await subject.box.createUser(context, { externalId: `sub-${randomUUID()}`, name: 'Ada Example' }),
      );
      if (result.kind !== 'created') throw new Error('The user already exists.');
      return { boxUserId: result.user.id, externalId: result.user.externalId ?? '' };
    };
    const add = (boxUserId: string, boxGroupId: string) =>
      subject.box.addMembership(context, { boxUserId, boxGroupId });
    const added = async (boxUserId: string, boxGroupId: string) => {
      const result = value(await add(boxUserId, boxGroupId));
      if (result.kind !== 'added') throw new Error('They are a member already.');
      return result.membershipId;
    };
    const find = async (as = name) => value(await subject.box.findGroup(context, as));
    const membership = async (boxUserId: string, boxGroupId: string) =>
      value(await subject.box.findMembership(context, { boxUserId, boxGroupId }));
    const page = (boxGroupId: string, offset = 0, limit = 1000) =>
      subject.box.listMemberships(context, { boxGroupId, offset, limit });
    const members = async (boxGroupId: string) =>
      value(await page(boxGroupId)).memberships.map(({ boxUserId }) => boxUserId);
    const callsOf = (operation: string) =>
      subject.log.of(operation).filter((call) => call.context.requestId === context.requestId);

    it('creates a group, and finds it by its name and by its id', async () => {
      const made = await group();
      expect(made).toEqual({ id: expect.stringMatching(/^\d+$/) as string, name });
      expect(await find()).toEqual(made);
      expect(value(await subject.box.readGroup(context, made.id))).toEqual(made);
    });

    it('lets exactly one of many creates of a name succeed', async () => {
      const kinds = (await Promise.all(Array.from({ length: 10 }, () => create()))).map(
        (result) => value(result).kind,
      );
      expect(kinds.filter((kind) => kind === 'created')).toHaveLength(1);
      expect(kinds.filter((kind) => kind === 'exists')).toHaveLength(9);
    });

    it('finds the name exactly, not by its beginning and not in another case', async () => {
      await group(`${name} EMEA`);
      expect(await find()).toBeNull();
      const made = await group();
      expect(await find()).toEqual(made);
      expect(await find(name.toUpperCase())).toBeNull();
    });

    it('finds a group behind more than a page of others whose names begin alike', async () => {
      await subject.addGroups(Array.from({ length: 1001 }, (_, at) => `${name} ${at}`));
      const made = await group();
      expect(await find()).toEqual(made);
    });

    it('accepts names with all kinds of characters', async () => {
      const odd = `Förderung & "Co" <é> 100% a=b#c/d?e+f ${randomUUID()} 東京 👩‍💻`;
      const made = await group(odd);
      expect(made.name).toBe(odd);
      expect(await find(odd)).toEqual(made);
    });

    it('reports that a group exists although look-ups do not return it yet', async () => {
      await subject.setLookupLag(true);
      try {
        const made = await group();
        expect(value(await create())).toEqual({ kind: 'exists' });
        expect(await find()).toBeNull();
        expect(value(await subject.box.readGroup(context, made.id))).toEqual(made);
      } finally {
        await subject.setLookupLag(false);
      }
    });

    it('renames a group, and may do so again', async () => {
      const { id } = await group();
      const other = `${name} (new)`;
      for (const _ of [1, 2]) {
        expect(value(await subject.box.renameGroup(context, id, other))).toEqual({ id, name: other });
      }
      expect(await find()).toBeNull();
      expect(await find(other)).toEqual({ id, name: other });
    });

    it('says that the new name is taken, or that the group is gone', async () => {
      const { id } = await group();
      await group(`${name} 2`);
      const taken = await subject.box.renameGroup(context, id, `${name} 2`);
      expect(fault(taken)).toMatchObject({ code: 'box_group_conflict', ambiguous: false });
      expect(await find()).toEqual({ id, name });
      const missing = await subject.box.renameGroup(context, NOBODY, `${name} 3`);
      expect(fault(missing)).toMatchObject({ code: 'box_group_missing', ambiguous: false });
    });

    it('deletes a group with its memberships, and returns the same result again', async () => {
      const { id } = await group();
      const { boxUserId } = await person();
      await added(boxUserId, id);
      for (const _ of [1, 2]) expect(value(await subject.box.deleteGroup(context, id))).toBe('deleted');
      expect(value(await subject.box.readGroup(context, id))).toBeNull();
      expect(await membership(boxUserId, id)).toBeNull();
      expect(fault(await page(id))).toMatchObject({ code: 'box_group_missing', ambiguous: false });
      expect((await group()).id).not.toBe(id);
    });

    it('adds a user to a group, and finds the membership from both sides', async () => {
      const { id } = await group();
      const { boxUserId } = await person();
      expect(await membership(boxUserId, id)).toBeNull();
      const membershipId = await added(boxUserId, id);
      expect(await membership(boxUserId, id)).toBe(membershipId);
      const listed = { memberships: [{ id: membershipId, boxUserId }], nextOffset: null };
      expect(value(await page(id))).toEqual(listed);
    });

    it('adds a user once, regardless of how many calls arrive at once', async () => {
      const { id } = await group();
      const { boxUserId } = await person();
      const results = await Promise.all(Array.from({ length: 10 }, () => add(boxUserId, id)));
      expect(results.filter((result) => value(result).kind === 'added')).toHaveLength(1);
      expect(await members(id)).toEqual([boxUserId]);
    });

    it('says that the user or the group is gone, and finds no membership there', async () => {
      const { id } = await group();
      const { boxUserId } = await person();
      const gone = { code: 'box_member_missing', ambiguous: false };
      expect(fault(await add(NOBODY, id))).toMatchObject(gone);
      expect(fault(await add(boxUserId, NOBODY))).toMatchObject(gone);
      expect(await membership(NOBODY, id)).toBeNull();
      expect(await membership(boxUserId, NOBODY)).toBeNull();
    });

    it('removes a membership, returns the same result again, and can add it again', async () => {
      const { id } = await group();
      const { boxUserId } = await person();
      const first = await added(boxUserId, id);
      for (const _ of [1, 2])
        expect(value(await subject.box.removeMembership(context, first))).toBe('removed');
      expect(await members(id)).toEqual([]);
      expect(await added(boxUserId, id)).not.toBe(first);
    });

    it('ends the memberships of a deleted user', async () => {
      const { id } = await group();
      const [ada, bob] = [await person(), await person()];
      await added(ada.boxUserId, id);
      await added(bob.boxUserId, id);
      value(await subject.box.deleteUser(context, ada.boxUserId));
      expect(await members(id)).toEqual([bob.boxUserId]);
    });

    it('lists the members page by page and each once, and records no names of them', async () => {
      const { id } = await group();
      const people = await Promise.all([1, 2, 3, 4, 5].map(person));
      for (const { boxUserId } of people) await added(boxUserId, id);
      const seen: string[] = [];
      for (let offset: number | null = 0; offset !== null;) {
        const listed: MembershipPage = value(await page(id, offset, 2));
        seen.push(...listed.memberships.map(({ boxUserId }) => boxUserId));
        offset = listed.nextOffset;
      }
      expect(seen.sort()).toEqual(people.map(({ boxUserId }) => boxUserId).sort());
      const calls = callsOf('list_memberships');
      expect(calls.map(({ intent }) => intent.parameters)).toEqual(
        [0, 2, 4].map((offset) => ({ groupId: id, offset, limit: 2 })),
      );
      expect(JSON.stringify(calls.map(({ outcome }) => outcome))).not.toContain('Ada Example');
    });

    it('ends a list that fills its last page, and an empty list', async () => {
      const { id } = await group();
      expect(value(await page(id))).toEqual({ memberships: [], nextOffset: null });
      for (const { boxUserId } of [await person(), await person()]) await added(boxUserId, id);
      expect(value(await page(id, 0, 2)).nextOffset).toBeNull();
      expect(value(await page(id, 10_000, 2))).toEqual({ memberships: [], nextOffset: null });
    });

    it.each(['', '12/../34', '12?x', 'abc', '-1', '1'.repeat(40)])(
      'sends nothing for the id %j',
      async (id) => {
        const { box } = subject;
        const results = [
          await box.readGroup(context, id),
          await box.renameGroup(context, id, name),
          await box.deleteGroup(context, id),
          await box.removeMembership(context, id),
          await add(id, '1'),
          await add('1', id),
          await box.findMembership(context, { boxUserId: id, boxGroupId: '1' }),
          await box.findMembership(context, { boxUserId: '1', boxGroupId: id }),
          await page(id),
        ];
        expect(results.map((result) => fault(result).code)).toEqual(Array(9).fill('box_invalid'));
        expect(subject.log.calls.filter((call) => call.context.requestId === context.requestId)).toEqual([]);
      },
    );

    it('sends nothing for an empty name, an invalid page size, or an offset that Box does not accept', async () => {
      const { box } = subject;
      const results = [
        await create(''),
        await box.findGroup(context, ''),
        await box.renameGroup(context, '1', ''),
        ...(await Promise.all([0, 1.5, 1001].map((limit) => page('1', 0, limit)))),
        ...(await Promise.all([-1, 1.5, 10_001].map((offset) => page('1', offset)))),
      ];
      expect(results.map((result) => fault(result).code)).toEqual(Array(9).fill('box_invalid'));
      expect(subject.log.calls.filter((call) => call.context.requestId === context.requestId)).toEqual([]);
    });

    it('says that Box refused a name that is too long', async () => {
      const tooLong = 'x'.repeat(300);
      expect(fault(await create(tooLong))).toMatchObject({ code: 'box_invalid', ambiguous: false });
      const { id } = await group();
      const refused = await subject.box.renameGroup(context, id, tooLong);
      expect(fault(refused)).toMatchObject({ code: 'box_invalid', ambiguous: false });
    });

    it('returns "ambiguous" for writes that were cut off after Box performed them, and each can be repeated', async () => {
      const ambiguous = { code: 'box_ambiguous', ambiguous: true };
      await subject.meet('createGroup', '', 'cut-after');
      expect(fault(await create())).toMatchObject(ambiguous);
      expect(value(await create())).toEqual({ kind: 'exists' });
      const id = (await find())?.id ?? '';
      const { boxUserId, externalId } = await person();
      await subject.meet('addMembership', externalId, 'cut-after');
      expect(fault(await add(boxUserId, id))).toMatchObject(ambiguous);
      expect(value(await add(boxUserId, id))).toEqual({ kind: 'exists' });
      const membershipId = (await membership(boxUserId, id)) ?? '';
      await subject.meet('removeMembership', externalId, 'cut-after');
      expect(fault(await subject.box.removeMembership(context, membershipId))).toMatchObject(ambiguous);
      expect(value(await subject.box.removeMembership(context, membershipId))).toBe('removed');
      await subject.meet('deleteGroup', '', 'cut-after');
      expect(fault(await subject.box.deleteGroup(context, id))).toMatchObject(ambiguous);
      expect(value(await subject.box.deleteGroup(context, id))).toBe('deleted');
    });

    it('returns "unavailable" for a read that was answered with 503, with the time that Box asks to wait', async () => {
      const { id } = await group();
      await subject.meet('findGroup', '', 'failing');
      const look = await subject.box.findGroup(context, name);
      expect(fault(look)).toMatchObject({ code: 'box_unavailable', ambiguous: false });
      await subject.meet('renameGroup', '', 'rate-limited');
      const limited = { code: 'box_rate_limited', ambiguous: false, retryAfterMs: 7000 };
      expect(fault(await subject.box.renameGroup(context, id, `${name} 2`))).toMatchObject(limited);
      expect(value(await subject.box.readGroup(context, id))?.name).toBe(name);
    });

    it('acquires a permit for each call, and without a permit or a lease sends nothing and records no intent', async () => {
      const paying: CallContext = { ...context, allowance: new CountedAllowance(1) };
      expect(value(await subject.box.findGroup(paying, name))).toBeNull();
      const unpaid = await subject.box.createGroup(paying, { name });
      expect(fault(unpaid)).toMatchObject({ code: 'box_rate_limited', retryAfterMs: 4_321 });
      subject.log.loseLease(context.lease);
      await expect(create()).rejects.toBeInstanceOf(LeaseLost);
      expect(callsOf('create_group')).toEqual([]);
      context = leasedContext();
      expect(await find()).toBeNull();
    });

    it('records each call with its parameters', async () => {
      const { id } = await group();
      const { boxUserId } = await person();
      const membershipId = await added(boxUserId, id);
      await find();
      await membership(boxUserId, id);
      await subject.box.removeMembership(context, membershipId);
      value(await subject.box.readGroup(context, id));
      await subject.box.deleteGroup(context, id);
      const lines = subject.log.calls
        .filter(
          (call) => call.context.requestId === context.requestId && !/user|token/.test(call.intent.operation),
        )
        .map(({ intent, outcome }) => [
          intent.operation,
          `${intent.method} ${intent.path}`,
          intent.parameters,
          outcome?.status,
        ]);
      const key = { userId: boxUserId, groupId: id };
      const query = { offset: 0, limit: 1000 };
      expect(lines).toEqual([
        ['create_group', 'POST /2.0/groups', { name }, 201],
        ['add_membership', 'POST /2.0/group_memberships', key, 201],
        ['find_group', 'GET /2.0/groups', { name, ...query }, 200],
        ['find_membership', `GET /2.0/users/${boxUserId}/memberships`, { ...key, ...query }, 200],
        ['remove_membership', `DELETE /2.0/group_memberships/${membershipId}`, { id: membershipId }, 204],
        ['read_group', `GET /2.0/groups/${id}`, { id }, 200],
        ['delete_group', `DELETE /2.0/groups/${id}`, { id }, 204],
      ]);
    });
  });
}
