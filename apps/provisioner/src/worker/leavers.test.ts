import { jest } from '@jest/globals';
import {
  Intake,
  PrismaCallLog,
  PrismaConvergenceStore,
  Requests,
  ScimUsers,
  workOverview,
  type ScimUser,
} from '@foyer/persistence';
import { createTestDatabase, samplePerson, type TestDatabase } from '@foyer/persistence/testing';
import { LeaseLost, runAttempt, type BoxPort } from '@foyer/provisioning';
import { FakeBox } from '@foyer/provisioning/testing';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:User';
const ISSUER = 'https://example.okta.com';

async function parts() {
  const tenantId = await test.tenant();
  const { database } = test;
  const box = new FakeBox(new PrismaCallLog(database, tenantId, 30_000));
  const store = new PrismaConvergenceStore(database, tenantId, { leaseMs: 30_000, relayGraceMs: 60_000 });
  const users = new ScimUsers(database, tenantId, ISSUER);
  const intake = new Intake(database, tenantId);
  const requests = new Requests(database, tenantId);
  const policy = { attempts: 20, baseMs: 1, maxMs: 1 };
  const stopping = new AbortController().signal;
  const attempt = (requestId: string, port: BoxPort = box) =>
    runAttempt(requestId, { store, box: port, policy, stopping, tell: () => undefined });
  const settle = async (): Promise<void> => {
    for (let rounds = 0; rounds < 60; rounds++) {
      const { rows } = await database.pool.query<{ id: string }>(
        `SELECT id FROM provisioning_request WHERE tenant_id = $1 AND status IN ('queued', 'running', 'retrying')
         ORDER BY created_at`,
        [tenantId],
      );
      if (rows.length === 0) return;
      await database.pool.query('UPDATE identity SET lease_expires_at = NULL WHERE tenant_id = $1', [
        tenantId,
      ]);
      for (const { id } of rows) await attempt(id);
    }
    throw new Error('Never settles.');
  };
  const hire = async (externalId: string, more: object = {}) => {
    const document = {
      schemas: [SCHEMA],
      userName: `${externalId}@example.com`,
      displayName: 'Ada Example',
      externalId,
      ...more,
    };
    return (await users.create(document)).resource;
  };
  const change = async ({ id }: Pick<ScimUser, 'id'>, more: object) =>
    (await users.update(
      id,

      ({ document }) => ({ ...document, ...more }),
    ))!;
  const outcome = async (identityId: string) => (await requests.newest({ identityId }))!;
  const calls = async () => {
    const { rows } = await database.pool.query<{ operation: string; parameters: Record<string, unknown> }>(
      `SELECT operation, parameters FROM api_call WHERE tenant_id = $1 AND direction = 'out' ORDER BY id`,
      [tenantId],
    );
    return rows;
  };
  const overview = () => workOverview(database, tenantId);
  return { box, users, intake, overview, attempt, settle, hire, change, outcome, calls, requests };
}

/** A worker that is killed right after Box has done what the call asked. */
function dying(box: FakeBox, at: keyof BoxPort): BoxPort {
  return new Proxy(box, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name, target);
      if (typeof method !== 'function') return method;
      const bound = method.bind(target) as (...args: unknown[]) => Promise<unknown>;
      return name === at
        ? async (...args: unknown[]) => {
            await bound(...args);
            throw new LeaseLost('As when the process ended here.');
          }
        : bound;
    },
  });
}

const only = (box: FakeBox) => {
  const all = [...box.users.values()];
  expect(all).toHaveLength(1);
  return all[0]!;
};

describe('a person who leaves', () => {
  it('is deactivated in Box with one call, and reactivated as the same user', async () => {
    const { box, settle, hire, change, outcome, calls } = await parts();
    const ada = await hire('00uada', { title: 'Keeper' });
    await settle();
    await change(ada, { active: false, title: 'Nobody' });
    await settle();
    expect(only(box)).toMatchObject({ status: 'inactive' });
    expect(await outcome(ada.id)).toMatchObject({ status: 'succeeded', outcome: 'deactivated' });
    await change(ada, { active: true, title: 'Nobody' });
    await settle();
    expect(only(box)).toMatchObject({ status: 'active', externalId: '00uada' });
    expect(await outcome(ada.id)).toMatchObject({ outcome: 'reactivated' });
    expect((await calls()).map(({ parameters: { status } }) => status)).toEqual([
      undefined,
      'inactive',
      'active',
    ]);
  });

  it('before any call to Box gets no Box user', async () => {
    const { box, settle, hire, change, outcome } = await parts();
    const ada = await hire('00uada');
    await change(ada, { active: false });
    await settle();
    expect(box.users.size).toBe(0);
    expect(await outcome(ada.id)).toMatchObject({ status: 'succeeded', outcome: 'unchanged' });
  });

  it.each(['cut-after', 'cut-before', 'lagging'] as const)(
    'while their create is unsettled (%s) is not left active in Box',
    async (trouble) => {
      const { box, attempt, settle, hire, change, outcome } = await parts();
      const ada = await hire('00uada');
      if (trouble === 'lagging') box.lookupLags = true;
      box.meet('createUser', trouble === 'cut-before' ? trouble : 'cut-after');
      await attempt(ada.requestId!);
      await change(ada, { active: false });
      await settle();
      expect(only(box)).toMatchObject({ status: 'inactive', externalId: '00uada' });
      expect((await outcome(ada.id)).status).toBe('succeeded');
      await change(ada, { active: true });
      await settle();
      expect(only(box)).toMatchObject({ status: 'active' });
    },
  );

  it('before their create reached Box is never active there', async () => {
    const { box, attempt, settle, hire, change, outcome, calls } = await parts();
    const ada = await hire('00uada');
    box.meet('createUser', 'cut-before');
    await attempt(ada.requestId!);
    await change(ada, { active: false });
    await settle();
    expect((await calls()).map(({ operation, parameters: { status } }) => [operation, status])).toEqual([
      ['create_user', undefined],
      ['find_user', undefined],
      ['create_user', 'inactive'],
    ]);
    expect(only(box)).toMatchObject({ status: 'inactive' });
    expect(await outcome(ada.id)).toMatchObject({ status: 'succeeded' });
  });

  it('when the worker that created them died is found and deactivated', async () => {
    const { box, attempt, settle, hire, change } = await parts();
    const ada = await hire('00uada');
    await attempt(ada.requestId!, dying(box, 'createUser'));
    await change(ada, { active: false });
    await settle();
    expect(only(box)).toMatchObject({ status: 'inactive' });
  });

  it('stays inactive after any later sign-in or late job', async () => {
    const { box, intake, settle, hire, change, requests, attempt } = await parts();
    const ada = await hire('00uada');
    const late = ada.requestId!;
    await change(ada, { active: false });
    const person = { ...samplePerson(), issuer: ISSUER, subject: '00uada' };
    expect(await intake.admit(person, 'sign-in')).toMatchObject({ kind: 'deactivated' });
    await attempt(late);
    await settle();
    expect(box.users.size).toBe(0);
    expect((await requests.find(late, {}))!.request.status).toBe('succeeded');
  });

  it('can be retried by an operator when Box refused to deactivate them', async () => {
    const { box, intake, settle, hire, change, outcome } = await parts();
    const ada = await hire('00uada');
    await settle();
    box.meet('updateUser', { code: 'box_forbidden', detail: 'No scope.', ambiguous: false });
    await change(ada, { active: false });
    await settle();
    const failed = await outcome(ada.id);
    expect(failed.status).toBe('failed');
    expect(await intake.retry(failed.id)).toMatchObject({ kind: 'requested', isNew: true });
    await settle();
    expect(only(box)).toMatchObject({ status: 'inactive' });
  });
});

describe('a person who is deleted', () => {
  it.each([
    ['owns content', 'it owns content', null],
    ['is under a legal hold', 'a retention policy or a legal hold applies', 'on-hold'],
  ] as const)('and %s is kept by Box, which is a separate outcome', async (_name, why, answer) => {
    const { box, users, settle, hire, outcome, requests, overview } = await parts();
    const ada = await hire('00uada');
    await settle();
    const { id } = only(box);
    if (answer === null) box.addFiles(id, ['diary.txt']);
    else jest.spyOn(box, 'deleteUser').mockResolvedValue({ ok: true, value: answer });
    await users.remove(ada.id, 'delete', () => undefined);
    await settle();
    expect(only(box)).toMatchObject({ id, status: 'inactive' });
    const ended = await outcome(ada.id);
    expect(ended).toMatchObject({ status: 'succeeded', outcome: 'kept' });
    const { request } = (await requests.find(ended.id, {}))!;
    expect(request.timeline).toContainEqual(
      expect.objectContaining({ event: 'box-user-kept', detail: `Box user ${id}, because ${why}` }),
    );
    expect((await overview()).people).toMatchObject({ active: 0, withBoxUser: 1, kept: 1 });
  });

  it('is deleted in Box when they own no content, and created again when they return', async () => {
    const { box, users, settle, hire, outcome } = await parts();
    const ada = await hire('00uada');
    await settle();
    await users.remove(ada.id, 'delete', () => undefined);
    await settle();
    expect(box.users.size).toBe(0);
    expect(await outcome(ada.id)).toMatchObject({ status: 'succeeded', outcome: 'deleted', boxUserId: null });
    const again = await hire('00uada');
    expect(again.id).toBe(ada.id);
    await settle();
    expect(only(box)).toMatchObject({ status: 'active', externalId: '00uada' });
  });

  it('is only deactivated while they own content', async () => {
    const { box, users, settle, hire, outcome } = await parts();
    const ada = await hire('00uada');
    await settle();
    box.addFiles(only(box).id, ['plan.txt']);
    await users.remove(ada.id, 'delete', () => undefined);
    await settle();
    expect(only(box)).toMatchObject({ status: 'inactive' });
    expect(await outcome(ada.id)).toMatchObject({ status: 'succeeded', outcome: 'kept' });
    await hire('00uada');
    await settle();
    expect(only(box)).toMatchObject({ status: 'active' });
  });

  it.each(['cut-after', 'cut-before', 'dies'] as const)(
    'is deleted in the end when the delete gets the fault: %s',
    async (trouble) => {
      const { box, users, attempt, settle, hire, requests } = await parts();
      const ada = await hire('00uada');
      await settle();
      const made = (await users.remove(ada.id, 'delete', () => undefined))![0]!;
      if (trouble === 'dies') await attempt(made.requestId, dying(box, 'deleteUser'));
      else box.meet('deleteUser', trouble);
      await settle();
      expect(box.users.size).toBe(0);
      expect((await requests.find(made.requestId, {}))!.request.status).toBe('succeeded');
    },
  );

  describe.each(['cut-after', 'cut-before', 'dies'] as const)(
    'and whose deletion has no known result (%s)',
    (trouble) => {
      async function halfDeleted() {
        const all = await parts();
        const { box, users, attempt, settle, hire } = all;
        const ada = await hire('00uada');
        await settle();
        const [made] = (await users.remove(ada.id, 'delete', () => undefined))!;
        if (trouble !== 'dies') box.meet('deleteUser', trouble);
        await attempt(made!.requestId, trouble === 'dies' ? dying(box, 'deleteUser') : box);
        return { ...all, ada };
      }

      it('has one active Box user when they return', async () => {
        const { box, settle, hire, outcome, ada } = await halfDeleted();
        expect((await hire('00uada')).id).toBe(ada.id);
        await settle();
        expect(only(box)).toMatchObject({ status: 'active', externalId: '00uada' });
        expect(await outcome(ada.id)).toMatchObject({ status: 'succeeded', boxUserId: only(box).id });
      });

      it('is recorded as deleted or inactive when they return and are deleted under the default policy', async () => {
        const { box, users, settle, hire, outcome, calls, ada } = await halfDeleted();
        await hire('00uada');
        await users.remove(ada.id, 'deactivate', () => undefined);
        await settle();
        const [left] = [...box.users.values()];
        expect(left?.status ?? 'inactive').toBe('inactive');
        expect(await outcome(ada.id)).toMatchObject({ status: 'succeeded', boxUserId: left?.id ?? null });
        // Nothing is in doubt any more, so the next request asks Box for nothing.
        const before = (await calls()).length;
        await hire('00uada');
        await users.remove(ada.id, 'deactivate', () => undefined);
        await settle();
        expect(await calls()).toHaveLength(before);
      });
    },
  );

  it('is only deactivated under the default policy', async () => {
    const { box, users, settle, hire } = await parts();
    const ada = await hire('00uada');
    await settle();
    await users.remove(ada.id, 'deactivate', () => undefined);
    await settle();
    expect(only(box)).toMatchObject({ status: 'inactive' });
  });
});

describe('a person whom Okta updates', () => {
  it('is updated in Box with the difference only: changed and removed values', async () => {
    const { settle, hire, change, calls, box } = await parts();
    const ada = await hire('00uada', {
      title: 'Keeper',
      locale: 'en-GB',
      timezone: 'Europe/Berlin',
      phoneNumbers: [{ type: 'work', value: 'tel:+49-30-1234' }],
    });
    await settle();
    expect(box.profiles.get(only(box).id)).toEqual({
      jobTitle: 'Keeper',
      language: 'gb',
      timezone: 'Europe/Berlin',
      phone: '+49-30-1234',
    });
    await change(ada, { title: undefined, locale: 'de', nickName: 'Nobody in Box hears of this' });
    await settle();
    expect(box.profiles.get(only(box).id)).toMatchObject({
      jobTitle: '',
      language: 'de',
      phone: '+49-30-1234',
    });
    expect((await calls()).map(({ operation }) => operation)).toEqual(['create_user', 'update_user']);
  });

  it('keeps their Box user and its external id when they are hired again under another Okta id', async () => {
    const { box, settle, hire, change } = await parts();
    const ada = await hire('00uada');
    await settle();
    const { id } = only(box);
    await change(ada, { active: false });
    await settle();
    await change(ada, { active: true, externalId: '00uagain' });
    await settle();
    expect(only(box)).toMatchObject({ id, status: 'active', externalId: '00uada' });
  });

  it('gets a create settled that was begun under the previous Okta id', async () => {
    const { box, attempt, settle, hire, change } = await parts();
    const ada = await hire('00uada');
    box.meet('createUser', 'cut-after');
    await attempt(ada.requestId!);
    await change(ada, { externalId: '00uagain' });
    await settle();
    expect(only(box)).toMatchObject({ status: 'active', externalId: '00uada' });
  });

  it('is not changed by a sign-in while SCIM manages them', async () => {
    const { intake, users, settle, hire } = await parts();
    const ada = await hire('00uada');
    await settle();
    const person = { issuer: ISSUER, subject: '00uada', username: 'other@example.com', name: 'Another Name' };
    expect(await intake.admit(person, 'sign-in')).toMatchObject({ kind: 'in-step' });
    expect((await users.find(ada.id))!.document).toMatchObject({ displayName: 'Ada Example' });
  });
});
