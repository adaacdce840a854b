import { randomUUID } from 'node:crypto';
import type { BoxGroupsPort } from '../groups/box-groups-port.ts';
import { LeaseLost, type BoxPort, type CallContext } from './box-port.ts';
import type { BoxMethod, Trouble } from '../attempts/fake-calls.harness.ts';
import { CountedAllowance, leasedContext, type MemoryCallLog } from '../attempts/memory-call-log.harness.ts';
import type { BoxProfile, BoxUser } from './model.ts';
import { fault, value } from './results.harness.ts';

/** A BoxPort under test, with the controls that the suite needs. */
export interface BoxSubject {
  readonly box: BoxPort & BoxGroupsPort;
  readonly log: MemoryCallLog;
  /** The next call of this method (with this external id, if the method has one) gets this trouble. */
  meet(port: BoxMethod, externalId: string, trouble: Exclude<Trouble, object>): Promise<void>;
  /** While true, new users, groups and memberships stay out of look-ups. */
  setLookupLag(lags: boolean): Promise<void>;
  addFiles(boxUserId: string, names: readonly string[]): Promise<void>;
  /** Adds groups as another client of Box would. */
  addGroups(names: readonly string[]): Promise<void>;
  /** The fields of a user in Box that were ever set. */
  profileOf(boxUserId: string): Promise<BoxProfile>;
  close(): Promise<void>;
}

const NOBODY = '99999999999';

/** The contract of every BoxPort. Isolated by random external ids: subjects may be shared with other suites. */
export function describeBoxPort(name: string, makeSubject: () => Promise<BoxSubject>): void {
  describe(`${name} as a BoxPort`, () => {
    let subject: BoxSubject;
    let context: ReturnType<typeof leasedContext>;
    let externalId: string;

    beforeAll(async () => {
      subject = await makeSubject();
    });
    afterAll(() => subject.close());
    beforeEach(() => {
      context = leasedContext();
      externalId = `sub-${randomUUID()}`;
    });

    const create = (label = 'Ada Example') => subject.box.createUser(context, { externalId, name: label });
    const created = async () => {
      const result = value(await create());
      if (result.kind !== 'created') throw new Error('The user already exists.');
      return result.user;
    };
    const find = async () => value(await subject.box.findUser(context, externalId));
    const callsOf = (operation: string) =>
      subject.log.of(operation).filter((call) => call.context.requestId === context.requestId);

    it('creates an app user with the external id and the name', async () => {
      const user = await created();
      expect(user).toMatchObject({ name: 'Ada Example', status: 'active', externalId, isAppUser: true });
      expect(user.id).toMatch(/^\d+$/);
      expect(user.login).not.toBe('');
      expect(await find()).toEqual(user);
      expect(value(await subject.box.readUser(context, user.id))).toEqual(user);
    });

    it('answers a second create with the user that exists', async () => {
      const user = await created();
      expect(value(await create('Somebody Else'))).toEqual({ kind: 'exists', conflictId: user.id });
      expect(value(await subject.box.readUser(context, user.id))?.name).toBe('Ada Example');
    });

    it('lets exactly one of many creates at once succeed', async () => {
      const results = await Promise.all(Array.from({ length: 10 }, () => create()));
      const kinds = results.map((result) => value(result).kind);
      expect(kinds.filter((kind) => kind === 'created')).toHaveLength(1);
      expect(kinds.filter((kind) => kind === 'exists')).toHaveLength(9);
    });

    it('finds and reads no user where none exists', async () => {
      expect(await find()).toBeNull();
      expect(value(await subject.box.readUser(context, NOBODY))).toBeNull();
    });

    it('reads at once a user that look-ups do not return yet', async () => {
      await subject.setLookupLag(true);
      try {
        const user = await created();
        expect(await find()).toBeNull();
        expect(value(await subject.box.readUser(context, user.id))).toEqual(user);
      } finally {
        await subject.setLookupLag(false);
      }
    });

    it('renames, deactivates and reactivates, and may do so again', async () => {
      const { id } = await created();
      const change = { name: 'Countess Example', status: 'inactive' } as const;
      expect(value(await subject.box.updateUser(context, id, change))).toMatchObject({ id, ...change });
      expect(value(await subject.box.updateUser(context, id, change))).toMatchObject({ id, ...change });
      expect(await find()).toMatchObject(change);
      const back = value(await subject.box.updateUser(context, id, { status: 'active' }));
      expect(back).toMatchObject({ name: change.name, status: 'active', externalId, isAppUser: true });
    });

    it('reports that the user is missing when there is none to update', async () => {
      const result = await subject.box.updateUser(context, NOBODY, { name: 'Nobody' });
      expect(fault(result)).toMatchObject({ code: 'box_user_missing', ambiguous: false });
    });

    it('reports that Box refused the data', async () => {
      expect(fault(await create('x'.repeat(51)))).toMatchObject({ code: 'box_invalid', ambiguous: false });
      expect(await find()).toBeNull();
    });

    it.each(['', '12/../34', '12?x', 'abc', '-1', '1'.repeat(40)])(
      'sends nothing for the id %j',
      async (id) => {
        const { box } = subject;
        const results = [
          await box.readUser(context, id),
          await box.updateUser(context, id, { name: 'x' }),
          await box.deleteUser(context, id),
          await box.listFolder(context, { boxUserId: id, folderId: '0', limit: 10 }),
          await box.listFolder(context, { boxUserId: '1', folderId: id, limit: 10 }),
          await box.readFolderName(context, { boxUserId: id, folderId: '1' }),
          await box.readFolderName(context, { boxUserId: '1', folderId: id }),
          await box.locateContent(context, { boxUserId: id, fileId: '1' }),
          await box.locateContent(context, { boxUserId: '1', fileId: id }),
        ];
        expect(results.map((result) => fault(result).code)).toEqual(
          Array(results.length).fill('box_invalid'),
        );
        expect(subject.log.calls.filter((call) => call.context.requestId === context.requestId)).toEqual([]);
      },
    );

    it('sends nothing for an empty external id or a page of no or too many items', async () => {
      externalId = '';
      const { box } = subject;
      expect(fault(await create()).code).toBe('box_invalid');
      expect(fault(await box.findUser(context, '')).code).toBe('box_invalid');
      expect(fault(await box.updateUser(context, '1', { externalId: '' })).code).toBe('box_invalid');
      for (const limit of [0, 1.5, 1001]) {
        const result = await box.listFolder(context, { boxUserId: '1', folderId: '0', limit });
        expect(fault(result).code).toBe('box_invalid');
        expect(fault(await box.listUsers(context, { limit })).code).toBe('box_invalid');
      }
    });

    it('lists every user of the app, page by page and each once', async () => {
      const people = await Promise.all(
        ['a', 'b', 'c'].map(async (mark) => {
          const id = `${externalId}-${mark}`;
          const result = value(
            await subject.box.createUser(context, { externalId: id, name: `User ${mark}` }),
          );
          if (result.kind !== 'created') throw new Error('The user already exists.');
          return result.user;
        }),
      );
      const seen: BoxUser[] = [];
      let marker: string | undefined;
      do {
        const page = value(await subject.box.listUsers(context, { limit: 2, marker }));
        expect(page.users.length).toBeLessThanOrEqual(2);
        seen.push(...page.users);
        marker = page.nextMarker ?? undefined;
      } while (marker !== undefined);
      expect(seen).toEqual(expect.arrayContaining(people));
      expect(new Set(seen.map((user) => user.id)).size).toBe(seen.length);
      expect(callsOf('list_users')[0]?.intent.parameters).toEqual({ limit: 2, firstPage: true });
    });

    it('reports an unknown marker, and sends nothing for an empty one', async () => {
      const stale = await subject.box.listUsers(context, { limit: 2, marker: 'stale' });
      expect(fault(stale)).toMatchObject({ code: 'box_invalid', ambiguous: false });
      const empty = await subject.box.listUsers(context, { limit: 2, marker: '' });
      expect(fault(empty)).toMatchObject({ code: 'box_invalid', ambiguous: false });
      expect(callsOf('list_users')).toHaveLength(1);
    });

    it('returns "ambiguous" for a create that was cut off before Box performed it, and sends it once', async () => {
      await subject.meet('createUser', externalId, 'cut-before');
      expect(fault(await create())).toMatchObject({ code: 'box_ambiguous', ambiguous: true });
      expect(await find()).toBeNull();
      expect(callsOf('create_user').map((call) => call.outcome?.result)).toEqual(['ambiguous']);
    });

    it('returns "ambiguous" for a create that was cut off after Box performed it, and sends it once', async () => {
      await subject.meet('createUser', externalId, 'cut-after');
      expect(fault(await create())).toMatchObject({ code: 'box_ambiguous', ambiguous: true });
      expect(await find()).toMatchObject({ externalId });
      expect(callsOf('create_user').map((call) => call.outcome?.result)).toEqual(['ambiguous']);
    });

    it('returns "ambiguous" for a write that was answered with 503, and "unavailable" for a read', async () => {
      const user = await created();
      await subject.meet('updateUser', externalId, 'failing');
      await subject.meet('findUser', externalId, 'failing');
      const update = await subject.box.updateUser(context, user.id, { name: 'x' });
      expect(fault(update)).toMatchObject({ code: 'box_ambiguous', ambiguous: true });
      const look = await subject.box.findUser(context, externalId);
      expect(fault(look)).toMatchObject({ code: 'box_unavailable', ambiguous: false });
    });

    it('returns the time that Box asks to wait when Box did nothing', async () => {
      await subject.meet('createUser', externalId, 'rate-limited');
      const refused = { code: 'box_rate_limited', ambiguous: false, retryAfterMs: 7000 };
      expect(fault(await create())).toMatchObject(refused);
      expect(await find()).toBeNull();
    });

    it('acquires a permit for each call, and without a permit sends nothing and records no intent', async () => {
      const allowance = new CountedAllowance(1);
      const paying = { ...context, allowance };
      value(await subject.box.findUser(paying, externalId));
      const unpaid = await subject.box.createUser(paying, { externalId, name: 'Ada Example' });
      const refused = { code: 'box_rate_limited', ambiguous: false, retryAfterMs: 4_321 };
      expect(fault(unpaid)).toMatchObject(refused);
      expect([callsOf('create_user'), callsOf('find_user').length, allowance.refusals]).toEqual([[], 1, []]);
      expect(await find()).toBeNull();
    });

    it('reports to all users of the rate limiter that Box refused, and for how long', async () => {
      const allowance = new CountedAllowance(1);
      await subject.meet('createUser', externalId, 'rate-limited');
      await subject.box.createUser({ ...context, allowance }, { externalId, name: 'Ada Example' });
      expect(allowance).toMatchObject({ refusals: [7_000], left: 0 });
    });

    it('does nothing once the lease is lost', async () => {
      subject.log.loseLease(context.lease);
      await expect(create()).rejects.toBeInstanceOf(LeaseLost);
      const other: CallContext = { ...context, lease: null };
      expect(value(await subject.box.findUser(other, externalId))).toBeNull();
    });

    it('records each call before and after it is sent', async () => {
      const user = await created();
      value(await create());
      const calls = callsOf('create_user');
      expect(calls.map((call) => call.intent)).toEqual(
        Array(2).fill(
          expect.objectContaining({
            direction: 'out',
            system: 'box',
            method: 'POST',
            path: '/2.0/users',
            actor: null,
          }),
        ),
      );
      expect(calls[0]?.intent.parameters).toEqual({ externalId, name: user.name });
      expect(calls.map((call) => [call.outcome?.result, call.outcome?.status])).toEqual([
        ['ok', 201],
        ['refused', 409],
      ]);
    });
  });
}
