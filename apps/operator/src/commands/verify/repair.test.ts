import { randomUUID } from 'node:crypto';
import { ScimGroups, ScimUsers } from '@foyer/persistence';
import { OperatorWorld, type TenantWorld } from '../../operator.harness.ts';

let world: OperatorWorld;
let tenant: TenantWorld;

beforeAll(async () => {
  world = await OperatorWorld.start();
});
afterAll(() => world.stop());
beforeEach(async () => {
  tenant = await world.tenant();
});

interface Certificate {
  readonly status: number;
  readonly fits: boolean;
  readonly settledOrphans: number;
  readonly counts: Record<string, number>;
  readonly discrepancies: {
    readonly kind: string;
    readonly detail: string;
    readonly groupName: string | null;
  }[];
}

async function verify(...args: string[]): Promise<Certificate> {
  const { status, out, err } = await tenant.run('verify', '--json', ...args);
  if (status === 2) throw new Error(err);
  return { status, ...(JSON.parse(out) as Omit<Certificate, 'status'>) };
}

/** The twin's own API, through which an administrator's manual changes are made. */
async function byHand(method: string, path: string, body?: unknown): Promise<unknown> {
  const form = new URLSearchParams({
    ...{ grant_type: 'client_credentials', client_id: 'twin-box-client', client_secret: 'twin-box-secret' },
    ...{ box_subject_type: 'enterprise', box_subject_id: '900100' },
  });
  const token = await fetch(`${world.boxUrl}/oauth2/token`, { method: 'POST', body: form });
  const { access_token: bearer } = (await token.json()) as { access_token: string };
  const response = await fetch(`${world.boxUrl}/2.0/${path}`, {
    method,
    headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return response.status === 204 ? undefined : response.json();
}

/** Works on all open requests, and on the requests that they open. */
async function settle(): Promise<void> {
  for (;;) {
    const open = await tenant.sql<{ id: string; isGroup: boolean }>(
      `SELECT id, group_id IS NOT NULL AS "isGroup" FROM provisioning_request
       WHERE tenant_id = $1 AND due_at IS NOT NULL ORDER BY created_at`,
      [tenant.tenantId],
    );
    if (open.length === 0) return;
    for (const { id, isGroup } of open) await (isGroup ? tenant.workOnGroup(id) : tenant.work(id));
  }
}

const users = () => new ScimUsers(world.db.database, tenant.tenantId, 'https://example.okta.com');
const groups = () => new ScimGroups(world.db.database, tenant.tenantId);
const schemas = ['urn:ietf:params:scim:schemas:core:2.0:User'];

/** A person whom SCIM manages, with their Box user. */
async function pushed(active = true, name = `Ada ${randomUUID().slice(0, 8)}`) {
  const externalId = `00u${randomUUID().slice(0, 13)}`;
  const document = {
    ...{ schemas, externalId, userName: `${externalId}@example.com`, displayName: name, active: true },
    ...{ title: 'Engineer', phoneNumbers: [{ value: '+1 555 0100', primary: true }] },
  };
  const { id } = (await users().create(document)).resource;
  await settle();
  if (!active) {
    await users().update(id, () => ({ ...document, active: false }));
    await settle();
  }
  const push = () => users().update(id, ({ document: known }) => ({ ...known }));
  const boxUserId = (await users().find(id))!.boxUserId!;
  return { id, boxUserId, name, push };
}

async function inBox(boxUserId: string) {
  return (await byHand('GET', `users/${boxUserId}?fields=name,status,job_title,phone`)) as {
    name: string;
    status: string;
    job_title: string;
  };
}

const members = (ids: readonly string[]) => ids.map((value) => ({ value, display: null, type: null }));

async function membersInBox(boxGroupId: string): Promise<string[]> {
  const page = (await byHand('GET', `groups/${boxGroupId}/memberships`)) as {
    entries: { user: { id: string } }[];
  };
  return page.entries.map(({ user }) => user.id).sort();
}

describe('an orphan', () => {
  it('that was deactivated as recommended is settled', async () => {
    const { users: made } = (await world.box('POST', 'seed', {
      users: [{ name: 'Olga', externalId: 'of-nobody' }],
    })) as {
      users: { id: string }[];
    };
    expect((await verify()).counts.orphan).toBe(1);
    await byHand('PUT', `users/${made[0]!.id}`, { status: 'inactive' });
    expect(await verify()).toMatchObject({ status: 0, fits: true, settledOrphans: 1, counts: { orphan: 0 } });
  });
});

describe('a person who was changed by hand', () => {
  it('is corrected by the same push after verify has found the difference', async () => {
    const ada = await pushed();
    const leaver = await pushed(false);
    await byHand('PUT', `users/${ada.boxUserId}`, { name: 'Mallory', job_title: 'Boss' });
    await byHand('PUT', `users/${leaver.boxUserId}`, { status: 'active' });
    expect((await ada.push())?.resource.inStep).toBe(true);
    expect((await verify()).counts.drifted).toBe(2);
    expect((await users().find(ada.id))?.inStep).toBe(false);
    expect((await ada.push())?.requests).toHaveLength(1);
    expect((await leaver.push())?.requests).toHaveLength(1);
    await settle();
    expect(await inBox(ada.boxUserId)).toMatchObject({
      name: ada.name,
      job_title: 'Engineer',
      status: 'active',
    });
    expect(await inBox(leaver.boxUserId)).toMatchObject({ status: 'inactive' });
    expect((await users().find(ada.id))?.inStep).toBe(true);
    expect(await verify()).toMatchObject({ status: 0, fits: true });
  });

  it('is corrected by verify --repair, and the operator is recorded', async () => {
    const ada = await pushed();
    const off = await pushed();
    await byHand('PUT', `users/${ada.boxUserId}`, { name: 'Mallory' });
    await byHand('PUT', `users/${off.boxUserId}`, { status: 'inactive' });
    const { err } = await tenant.run('verify', '--repair');
    expect(err).toContain('2 requests fix what a request can.');
    await settle();
    expect(await inBox(ada.boxUserId)).toMatchObject({ name: ada.name });
    expect(await inBox(off.boxUserId)).toMatchObject({ status: 'active' });
    expect(await verify()).toMatchObject({ status: 0, fits: true });
    const lines = await tenant.sql<{ actor: string; request_id: string }>(
      `SELECT actor, request_id FROM api_call WHERE tenant_id = $1 AND operation = 'verify_repair'`,
      [tenant.tenantId],
    );
    expect(lines).toHaveLength(2);
    for (const { actor, request_id: requestId } of lines) {
      expect(actor).toMatch(/^operator:/);
      expect(requestId).not.toBeNull();
    }
  });

  it('who has another external id by now is left to an operator', async () => {
    const ada = await pushed();
    await byHand('PUT', `users/${ada.boxUserId}`, { external_app_user_id: 'somebody-else' });
    const { err } = await tenant.run('verify', '--repair');
    expect(err).toContain('None of the discrepancies can be repaired by a request.');
    expect((await ada.push())?.requests).toEqual([]);
  });

  it('is not marked while a worker processes the person', async () => {
    const ada = await pushed();
    await byHand('PUT', `users/${ada.boxUserId}`, { name: 'Mallory' });
    await tenant.sql(
      `UPDATE identity SET lease_expires_at = clock_timestamp() + interval '1 hour' WHERE id = $1`,
      [ada.id],
    );
    expect((await verify()).counts.drifted).toBe(0);
    expect((await users().find(ada.id))?.inStep).toBe(true);
  });
});

describe('a group that was changed by hand', () => {
  async function crew() {
    const [ann, ben, cat] = [await pushed(), await pushed(), await pushed()];
    const { resource } = await groups().create({ displayName: 'Crew' }, members([ann.id, ben.id]));
    await settle();
    const boxGroupId = (await groups().find(resource.id, false))!.boxGroupId!;
    const push = () =>
      groups().edit(
        resource.id,
        () => undefined,
        [{ kind: 'replace-members', members: members([ann.id, ben.id]) }],
        (document) => document,
      );
    return { ann, ben, cat, id: resource.id, boxGroupId, push };
  }

  /** Renames the group, removes Ann, adds Cat, and deletes and recreates Ben's membership. */
  async function meddle({ ann, ben, cat, boxGroupId }: Awaited<ReturnType<typeof crew>>): Promise<void> {
    await byHand('PUT', `groups/${boxGroupId}`, { name: 'Pirates' });
    const page = (await byHand('GET', `groups/${boxGroupId}/memberships`)) as {
      entries: { id: string; user: { id: string } }[];
    };
    for (const { id, user } of page.entries)
      if ([ann.boxUserId, ben.boxUserId].includes(user.id)) await byHand('DELETE', `group_memberships/${id}`);
    for (const id of [cat.boxUserId, ben.boxUserId])
      await byHand('POST', 'group_memberships', { user: { id }, group: { id: boxGroupId } });
  }

  it('matches as long as it was not changed', async () => {
    const { boxGroupId } = await crew();
    const { users: others } = (await world.box('POST', 'seed', {
      users: [{ name: 'Managed', kind: 'managed', login: 'managed@example.com' }],
    })) as { users: { id: string }[] };
    // Verify ignores Box users that are not ours.
    await byHand('POST', 'group_memberships', { user: { id: others[0]!.id }, group: { id: boxGroupId } });
    expect(await verify()).toMatchObject({ status: 0, fits: true, counts: { groups: 1, group: 0 } });
  });

  it.each(['the very same push', 'verify --repair'])('is corrected by %s', async (by) => {
    const all = await crew();
    await meddle(all);
    const found = await verify(...(by === 'verify --repair' ? ['--repair'] : []));
    expect(found.counts.group).toBe(1);
    expect(found.discrepancies[0]?.groupName).toBe('Crew');
    expect(found.discrepancies[0]?.detail).toMatch(
      /named "Pirates".*lacks 2 of its members.*has 1 of our Box users/,
    );
    if (by !== 'verify --repair') expect((await all.push())?.requests).toHaveLength(1);
    await settle();
    expect(await membersInBox(all.boxGroupId)).toEqual([all.ann.boxUserId, all.ben.boxUserId].sort());
    expect(await byHand('GET', `groups/${all.boxGroupId}`)).toMatchObject({ name: 'Crew' });
    expect((await groups().find(all.id, false))?.inStep).toBe(true);
    expect(await verify()).toMatchObject({ status: 0, fits: true });
  });

  it('is created again, with its members, when it was deleted', async () => {
    const all = await crew();
    await byHand('DELETE', `groups/${all.boxGroupId}`);
    const found = await verify('--repair');
    expect(found.discrepancies).toMatchObject([
      { kind: 'group', detail: expect.stringContaining('no longer exists') as string },
    ]);
    await settle();
    const again = (await groups().find(all.id, false))!.boxGroupId!;
    expect(again).not.toBe(all.boxGroupId);
    expect(await membersInBox(again)).toEqual([all.ann.boxUserId, all.ben.boxUserId].sort());
    expect(await verify()).toMatchObject({ status: 0, fits: true });
  });
});
