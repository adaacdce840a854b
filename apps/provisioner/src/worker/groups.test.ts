import fc from 'fast-check';
import {
  Intake,
  PrismaCallLog,
  PrismaConvergenceStore,
  PrismaGroupStore,
  RelayStore,
  Requests,
  ScimGroups,
} from '@foyer/persistence';
import { createTestDatabase, samplePerson, type TestDatabase } from '@foyer/persistence/testing';
import { LeaseLost, runGroupAttempt, runAttempt, type GroupBox, type AttemptNews } from '@foyer/provisioning';
import { FakeBox } from '@foyer/provisioning/testing';
import type { GroupEdit, Member } from '@foyer/scim';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const member = (value: string): Member => ({ value, display: null, type: null });
const GRACE_MS = 60_000;

/** A tenant, its stores, a Box in which a test can cause any fault, and workers that make attempts when told to. */
async function parts({ leaseMs = 30_000, sliceMs }: { leaseMs?: number; sliceMs?: number } = {}) {
  const tenantId = await test.tenant();
  const { database } = test;
  const box = new FakeBox(new PrismaCallLog(database, tenantId, leaseMs));
  const options = { leaseMs, relayGraceMs: GRACE_MS };
  const stopping = new AbortController().signal;
  const policy = { attempts: 1_000, baseMs: 1, maxMs: 1 };
  const news: AttemptNews[] = [];
  const turn = { policy, stopping, tell: (told: AttemptNews) => void news.push(told) };
  const people = new PrismaConvergenceStore(database, tenantId, options);
  const groupStore = new PrismaGroupStore(database, tenantId, options);
  const groups = new ScimGroups(database, tenantId);
  const intake = new Intake(database, tenantId);
  const requests = new Requests(database, tenantId);
  const relay = new RelayStore(database, tenantId, GRACE_MS);

  const groupAttempt = (requestId: string, port: GroupBox = box) =>
    runGroupAttempt(requestId, {
      ...turn,
      store: groupStore,
      box: port,
      ...(sliceMs !== undefined && { sliceMs }),
    });
  const personAttempt = (requestId: string) => runAttempt(requestId, { ...turn, store: people, box });
  const open = async (): Promise<{ id: string; isGroup: boolean }[]> => {
    const { rows } = await database.pool.query<{ id: string; isGroup: boolean }>(
      `SELECT id, group_id IS NOT NULL AS "isGroup" FROM provisioning_request
       WHERE tenant_id = $1 AND status IN ('queued', 'running', 'retrying') ORDER BY created_at`,
      [tenantId],
    );
    return rows;
  };
  /** Works on every open request until none is left, without waiting for the leases of dead workers to expire. */
  const settle = async (): Promise<void> => {
    for (let rounds = 0; rounds < 200; rounds++) {
      const left = await open();
      if (left.length === 0) return;
      await database.pool.query(`UPDATE scim_group SET lease_expires_at = NULL WHERE tenant_id = $1`, [
        tenantId,
      ]);
      for (const { id, isGroup } of left) await (isGroup ? groupAttempt(id) : personAttempt(id));
    }
    throw new Error(`Still open: ${JSON.stringify(await open())} ${JSON.stringify(news.slice(-3))}`);
  };
  const person = async (): Promise<string> => {
    const admission = await intake.admit(samplePerson(), 'api');
    if (admission.kind !== 'requested') throw new Error(admission.kind);
    return admission.identity.id;
  };
  const edit = async (id: string, ...edits: GroupEdit[]) =>
    groups.edit(
      id,
      () => undefined,
      edits,
      (document) => document,
    );
  const rename = (id: string, displayName: string) =>
    groups.edit(
      id,
      () => undefined,
      [{ kind: 'attributes', operations: [] }],
      () => ({ schemas: [SCHEMA], displayName }),
    );
  const create = async (displayName: string, members: readonly string[] = []) =>
    (await groups.create({ schemas: [SCHEMA], displayName }, members.map(member))).resource.id;
  /** The group's members in Box, as identities. */
  const inBox = async (groupId: string): Promise<string[]> => {
    const { rows } = await database.pool.query<{ box_group_id: string | null }>(
      'SELECT box_group_id FROM scim_group WHERE id = $1',
      [groupId],
    );
    const users = [...box.memberships.values()]
      .filter(({ boxGroupId }) => boxGroupId === rows[0]?.box_group_id)
      .map(({ boxUserId }) => boxUserId);
    const found = await database.pool.query<{ identity_id: string }>(
      'SELECT identity_id FROM box_account WHERE tenant_id = $1 AND box_user_id = ANY($2)',
      [tenantId, users],
    );
    expect(found.rows).toHaveLength(users.length);
    return found.rows.map(({ identity_id }) => identity_id).sort();
  };
  return {
    ...{
      tenantId,
      box,
      groups,
      requests,
      relay,
      groupAttempt,
      personAttempt,
      open,
      settle,
      person,
      edit,
      rename,
      create,
      inBox,
      news,
    },
    calls: async (): Promise<string[]> => {
      const { rows } = await database.pool.query<{ operation: string }>(
        `SELECT operation FROM api_call WHERE tenant_id = $1 AND direction = 'out' ORDER BY id`,
        [tenantId],
      );
      return rows.map(({ operation }) => operation);
    },
  };
}

describe('a group', () => {
  it('is created in Box with its members, and a change sends only the difference', async () => {
    const { person, create, settle, inBox, edit, calls, rename, box } = await parts();
    const [ann, ben, cat] = [await person(), await person(), await person()];
    await settle();
    const id = await create('Engineers', [ann, ben]);
    await settle();
    expect(await inBox(id)).toEqual([ann, ben].sort());
    const before = (await calls()).length;
    await edit(id, { kind: 'replace-members', members: [ben, cat].map(member) });
    await settle();
    expect(await inBox(id)).toEqual([ben, cat].sort());
    expect((await calls()).slice(before).sort()).toEqual(['add_membership', 'remove_membership']);
    await rename(id, 'Builders');
    await settle();
    expect([...box.groups.values()].map(({ name }) => name)).toEqual(['Builders']);
    expect((await calls()).slice(before + 2)).toEqual(['update_group']);
  });

  it('gets a member automatically when that person gets a Box user', async () => {
    const { person, create, settle, inBox, groups } = await parts();
    const ann = await person();
    const id = await create('Early', [ann]);
    await settle();
    expect(await inBox(id)).toEqual([ann]);
    expect((await groups.find(id, true))!).toMatchObject({
      inStep: true,
      members: [{ value: ann, waits: null }],
    });
  });

  it("is adopted by its exact name; Foyer's members are corrected and others left unchanged", async () => {
    const { person, create, settle, inBox, box } = await parts();
    const [ann, ben] = [await person(), await person()];
    await settle();
    const [annInBox, benInBox] = [...box.users.values()].map(({ id }) => id);
    box.addGroups(['Sales', 'Sales EMEA']);
    const [sales] = [...box.groups.values()].filter(({ name }) => name === 'Sales');
    const nobody = { requestId: null, identityId: null, lease: null };
    for (const boxUserId of [annInBox!, benInBox!])
      await box.addMembership(nobody, { boxUserId, boxGroupId: sales!.id });
    const id = await create('Sales', [ann]);
    await settle();
    expect(await inBox(id)).toEqual([ann]);
    expect(ben).not.toBe(ann);
    expect(box.groups.size).toBe(2);
  });

  it('is deleted in Box together with its memberships', async () => {
    const { person, create, settle, groups, box } = await parts();
    const id = await create('Brief', [await person()]);
    await settle();
    await groups.remove(id, () => undefined);
    await settle();
    expect([box.groups.size, box.memberships.size]).toEqual([0, 0]);
  });

  it('is created again, with all members, when it was deleted in Box', async () => {
    const { person, create, settle, inBox, edit, box } = await parts();
    const [ann, ben] = [await person(), await person()];
    const id = await create('Fragile', [ann]);
    await settle();
    box.groups.clear();
    box.memberships.clear();
    await edit(id, { kind: 'add-members', members: [member(ben)] });
    await settle();
    expect(await inBox(id)).toEqual([ann, ben].sort());
  });

  it('whose name belongs to a group that is being deleted waits until that group is gone', async () => {
    const { create, settle, groups, open, groupAttempt, box } = await parts();
    const first = await create('Phoenix');
    await settle();
    await groups.remove(first, () => undefined);
    const second = await create('Phoenix');
    const requests = await open();
    await groupAttempt(requests[1]!.id);
    expect(box.groups.size).toBe(1);
    await settle();
    expect((await groups.find(second, false))!.inStep).toBe(true);
    expect(box.groups.size).toBe(1);
  });

  describe.each(['lost', 'dies'] as const)(
    'whose member is removed, and the answer of Box is not stored (%s)',
    (end) => {
      it.each([
        ['known', undefined],
        ['not known, because the answer to the add was lost, too', 'cut-after'],
      ] as const)(
        'has the member again who is pushed again; the membership was %s',
        async (_what, adding) => {
          const { person, create, settle, inBox, edit, box, open, groupAttempt } = await parts();
          const ann = await person();
          await settle();
          const id = await create('Back', [ann]);
          if (adding) box.meet('addMembership', adding);
          if (adding) await groupAttempt((await open())[0]!.id);
          else await settle();
          expect(await inBox(id)).toEqual([ann]);

          await edit(id, { kind: 'remove-members', values: [ann] });
          const [removal] = await open();
          if (end === 'lost') box.meet('removeMembership', 'cut-after');
          await groupAttempt(removal!.id, end === 'dies' ? dying(box, 'removeMembership') : box);
          expect(await inBox(id)).toEqual([]);
          await edit(id, { kind: 'add-members', members: [member(ann)] });
          await settle();
          expect(await inBox(id)).toEqual([ann]);
        },
      );
    },
  );

  it('is not in step when a member gets a Box user after an attempt that was ahead of the queued request', async () => {
    const { person, create, rename, settle, inBox, edit, groups, groupAttempt, personAttempt, open, box } =
      await parts();
    const ann = await person();
    const id = await create('Early', [ann]);
    await rename(id, 'Early birds');
    const [first, second] = (await open()).filter(({ isGroup }) => isGroup);
    // The first request's attempt brings the newest state to Box, while the second request is still queued.
    await groupAttempt(first!.id);
    expect((await groups.find(id, false))!.inStep).toBe(true);
    for (const { id: own, isGroup } of await open()) if (!isGroup) await personAttempt(own);
    expect((await groups.find(id, false))!.inStep).toBe(false);
    expect((await open()).filter(({ isGroup }) => isGroup)).toMatchObject([second!, {}]);
    // Box does not show the user yet: the request fails, and a push without changes starts another attempt.
    box.meet('addMembership', { code: 'box_member_missing', detail: 'Not Found', ambiguous: false });
    await groupAttempt(second!.id);
    expect(await inBox(id)).toEqual([]);
    expect((await groups.find(id, false))!.inStep).toBe(false);
    await edit(id, { kind: 'add-members', members: [member(ann)] });
    await settle();
    expect(await inBox(id)).toEqual([ann]);
    expect((await groups.find(id, false))!.inStep).toBe(true);
  });

  it('continues without a member whom Box no longer returns, and reports it', async () => {
    const { person, create, settle, inBox, groups, box, requests } = await parts();
    const [ann, ben] = [await person(), await person()];
    await settle();
    const [gone] = [...box.users.values()];
    box.users.delete(gone!.id);
    const id = await create('Holes', [ann, ben]);
    await settle();
    expect(await inBox(id)).toHaveLength(1);
    const group = (await groups.find(id, true))!;
    expect(group.inStep).toBe(false);
    expect(group.members!.map(({ waits }) => waits).sort()).toEqual([null, 'refused'].sort());
    expect((await requests.newest({ groupId: id }))!).toMatchObject({
      status: 'failed',
      error: { code: 'box_member_missing' },
    });
  });
});

describe('a group under concurrent changes', () => {
  const CROWD = 6;
  const who = fc.nat(CROWD - 1);
  const action = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('add' as const), who }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('remove' as const), who }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('replace' as const), all: fc.uniqueArray(who) }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('rename' as const), to: fc.constantFrom('A', 'B') }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('turn' as const),
        trouble: fc.constantFrom(undefined, 'cut-before', 'cut-after', 'failing', 'rate-limited', 'dies'),
        at: fc.constantFrom(
          'createGroup',
          'addMembership',
          'removeMembership',
          'findMembership',
          'renameGroup',
        ),
      }),
    },
  );

  it('has in Box exactly the members that SCIM has', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(action, { minLength: 3, maxLength: 14 }),
        fc.boolean(),
        async (actions, early) => {
          const all = await parts({ sliceMs: 60_000 });
          const crowd = await Promise.all(Array.from({ length: CROWD }, () => all.person()));
          if (early) await all.settle();
          const id = await all.create('A');
          const wanted = new Set<string>();
          const under: Promise<unknown>[] = [];
          for (const one of actions) {
            if (one.kind === 'turn') {
              const next = (await all.open()).find(({ isGroup }) => isGroup);
              if (!next) continue;
              if (one.trouble === 'dies') under.push(all.groupAttempt(next.id, dying(all.box, one.at)));
              else {
                if (one.trouble) all.box.meet(one.at, one.trouble);
                under.push(all.groupAttempt(next.id));
              }
              continue;
            }
            // Pushes run one after the other; workers run at the same time as all of them.
            if (one.kind === 'rename') await all.rename(id, one.to);
            if (one.kind === 'add') {
              wanted.add(crowd[one.who]!);
              await all.edit(id, { kind: 'add-members', members: [member(crowd[one.who]!)] });
            }
            if (one.kind === 'remove') {
              wanted.delete(crowd[one.who]!);
              await all.edit(id, { kind: 'remove-members', values: [crowd[one.who]!] });
            }
            if (one.kind === 'replace') {
              wanted.clear();
              for (const each of one.all) wanted.add(crowd[each]!);
              await all.edit(id, { kind: 'replace-members', members: [...wanted].map(member) });
            }
          }
          await Promise.all(under);
          await all.settle();
          expect(await all.inBox(id)).toEqual([...wanted].sort());
          expect(all.box.groups.size).toBe(1);
          expect((await all.groups.find(id, false))!.inStep).toBe(true);
        },
      ),
      { numRuns: 40 },
    );
  }, 120_000);
});

/** A worker that is killed right after Box has done what the call asked, before anything is saved. */
function dying(box: FakeBox, at: keyof GroupBox): GroupBox {
  return new Proxy(box, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name, target);
      if (typeof method !== 'function') return method;
      const bound = method.bind(target) as (...args: unknown[]) => Promise<unknown>;
      if (name !== at) return bound;
      return async (...args: unknown[]) => {
        await bound(...args);
        throw new LeaseLost('As when the process ended here.');
      };
    },
  });
}
