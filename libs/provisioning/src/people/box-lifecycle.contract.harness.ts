import { randomUUID } from 'node:crypto';
import type { BoxSubject } from './box-port.contract.harness.ts';
import { leasedContext } from '../attempts/memory-call-log.harness.ts';
import type { BoxProfile } from './model.ts';
import { fault, value } from './results.harness.ts';

const NOBODY = '99999999999';

const profile: Required<BoxProfile> = {
  language: 'de',
  timezone: 'Europe/Berlin',
  jobTitle: 'Countess',
  phone: '+49 30 0000',
  address: 'Example Street 1, Berlin',
};

/** The contract of every BoxPort after the create: profile, external id, delete. */
export function describeBoxLifecycle(name: string, makeSubject: () => Promise<BoxSubject>): void {
  describe(`${name} as a BoxPort, from hiring to leaving`, () => {
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

    const created = async (more: object = {}) => {
      const given = { externalId, name: 'Ada Example', ...more };
      const result = value(await subject.box.createUser(context, given));
      if (result.kind !== 'created') throw new Error('The user already exists.');
      return result.user;
    };
    const update = (id: string, change: object) => subject.box.updateUser(context, id, change);
    const remove = (id: string) => subject.box.deleteUser(context, id);
    const read = async (id: string) => value(await subject.box.readUser(context, id));
    const callsOf = (operation: string) =>
      subject.log.of(operation).filter((call) => call.context.requestId === context.requestId);

    it('creates a user with a full profile, inactive if requested', async () => {
      const user = await created({ status: 'inactive', profile });
      expect(user).toMatchObject({ name: 'Ada Example', externalId, status: 'inactive' });
      expect(await subject.profileOf(user.id)).toMatchObject(profile);
    });

    it('changes the given fields of the profile, clears empty ones, and leaves the rest', async () => {
      const { id } = await created({ profile });
      value(await update(id, { jobTitle: 'Engineer', phone: '' }));
      expect(await subject.profileOf(id)).toMatchObject({ ...profile, jobTitle: 'Engineer', phone: '' });
      expect(await read(id)).toMatchObject({ name: 'Ada Example', status: 'active', externalId });
    });

    it.each([
      ['jobTitle', 100],
      ['phone', 100],
      ['address', 255],
    ] as const)(
      'accepts a %s of %d characters, and reports that Box refused a longer one',
      async (field, max) => {
        const { id } = await created();
        value(await update(id, { [field]: 'x'.repeat(max) }));
        const refused = await update(id, { [field]: 'y'.repeat(max + 1), name: 'Somebody Else' });
        expect(fault(refused)).toMatchObject({ code: 'box_invalid', ambiguous: false });
        expect((await subject.profileOf(id))[field]).toBe('x'.repeat(max));
        expect((await read(id))?.name).toBe('Ada Example');
      },
    );

    it('moves the external id, under which Box then finds the same user', async () => {
      const { id } = await created();
      const moved = `moved-${externalId}`;
      expect(value(await update(id, { externalId: moved }))).toMatchObject({ id, externalId: moved });
      expect(value(await subject.box.findUser(context, moved))?.id).toBe(id);
      expect(value(await subject.box.findUser(context, externalId))).toBeNull();
      expect((await created()).id).not.toBe(id);
    });

    it("refuses another user's external id, changing nothing, and takes the user's own again", async () => {
      const { id } = await created();
      const taken = externalId;
      externalId = `other-${externalId}`;
      const other = await created();
      const refused = await update(other.id, { externalId: taken, name: 'Somebody Else' });
      expect(fault(refused)).toMatchObject({ code: 'box_conflict', ambiguous: false });
      expect(await read(other.id)).toEqual(other);
      expect(value(await update(id, { externalId: taken })).externalId).toBe(taken);
    });

    it('deletes a user without content, returns the same result again, and frees the external id', async () => {
      const { id } = await created();
      expect(value(await remove(id))).toBe('deleted');
      expect(await read(id)).toBeNull();
      expect(value(await remove(id))).toBe('deleted');
      expect(value(await remove(NOBODY))).toBe('deleted');
      const calls = callsOf('delete_user').map(({ outcome }) => [outcome?.result, outcome?.status]);
      expect(calls).toEqual([
        ['ok', 204],
        ['refused', 404],
        ['refused', 404],
      ]);
      expect((await created()).id).not.toBe(id);
    });

    it('does not delete a user who owns content', async () => {
      const { id } = await created();
      await subject.addFiles(id, ['diary.txt']);
      expect(value(await remove(id))).toBe('owns-content');
      expect(await read(id)).toMatchObject({ id, status: 'active' });
    });

    it('returns "ambiguous" for a delete that was cut off after Box performed it, and can repeat it', async () => {
      const { id } = await created();
      await subject.meet('deleteUser', externalId, 'cut-after');
      expect(fault(await remove(id))).toMatchObject({ code: 'box_ambiguous', ambiguous: true });
      expect(value(await remove(id))).toBe('deleted');
    });

    it('records the profile, but neither phone nor address', async () => {
      const { id } = await created({ profile });
      value(await update(id, { ...profile, status: 'inactive' }));
      value(await update(id, { phone: '' }));
      const { phone, address, ...rest } = profile;
      const hidden = { ...rest, phone: '[redacted]', address: '[redacted]' };
      const [create] = callsOf('create_user');
      expect(create?.intent.parameters).toEqual({ externalId, name: 'Ada Example', ...hidden });
      const [change, cleared] = callsOf('update_user');
      expect(cleared?.intent.parameters).toEqual({ id, phone: '[redacted]' });
      expect(change?.intent.parameters).toEqual({ id, status: 'inactive', ...hidden });
      const lines = JSON.stringify([create, change], (_key, each: unknown) =>
        typeof each === 'bigint' ? String(each) : each,
      );
      expect([lines.includes(phone), lines.includes(address)]).toEqual([false, false]);
    });
  });
}
