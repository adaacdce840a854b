import { randomUUID } from 'node:crypto';
import { defaultRetryPolicy, runAttempt, type RecordedChange } from '@foyer/provisioning';
import { FakeBox } from '@foyer/provisioning/testing';
import type { Document } from '@foyer/scim';
import type { Person } from '@foyer/shared';
import { PrismaCallLog } from '../call-log/call-log.ts';
import { PrismaConvergenceStore } from '../convergence/convergence-store.ts';
import { samplePerson, type TestDatabase } from '../database/database.harness.ts';
import { PrismaGroupStore } from '../groups/group-store.ts';
import { ScimGroups } from '../scim/groups/groups.ts';
import { ScimUsers } from '../scim/users/users.ts';
import { Intake } from './intake.ts';
import { Merges } from './merges.ts';

export const OKTA = 'https://example.okta.com';
export const anything = (): void => undefined;

/** The record of an operator's merge, as the command writes it. */
export const change: RecordedChange = {
  intent: () => ({
    ...{
      direction: 'in',
      system: 'foyer',
      operation: 'merge_identities',
      method: 'RUN',
      path: 'identity merge',
    },
    ...{ actor: 'operator:olga', parameters: {} },
  }),
  outcome: () => ({ result: 'ok', status: null, error: null, answer: null, durationMs: 0 }),
  committed: anything,
};

/** A tenant with a Box of its own, its doors, its worker and its operator. */
export async function mergeFixture({ database, ...test }: TestDatabase) {
  const tenantId = await test.tenant();
  const box = new FakeBox(new PrismaCallLog(database, tenantId, 30_000));
  const store = new PrismaConvergenceStore(database, tenantId, { leaseMs: 30_000, relayGraceMs: 5_000 });
  const groupStore = new PrismaGroupStore(database, tenantId, { leaseMs: 30_000, relayGraceMs: 5_000 });
  const [intake, users] = [new Intake(database, tenantId), new ScimUsers(database, tenantId, OKTA)];
  const [groups, merges] = [new ScimGroups(database, tenantId), new Merges(database, tenantId)];
  const turn = { policy: defaultRetryPolicy, stopping: new AbortController().signal, tell: anything };

  const rows = async <T extends object>(text: string, ...values: unknown[]): Promise<T[]> =>
    (await database.pool.query<T>(text, [tenantId, ...values])).rows;
  /** Makes an attempt at each open request of a person. */
  const work = async () => {
    const open = await rows<{ id: string }>(
      `SELECT id FROM provisioning_request WHERE tenant_id = $1 AND identity_id IS NOT NULL
         AND finished_at IS NULL ORDER BY created_at, id`,
    );
    for (const { id } of open) await runAttempt(id, { store, box, ...turn });
  };
  const signIn = async (person: Person = samplePerson()) => {
    const admission = await intake.admit(person, 'sign-in');
    if (!('identity' in admission)) throw new Error(admission.kind);
    return { id: admission.identity.id, epoch: admission.identity.sessionEpoch, person };
  };
  /** A person who only signs in, with a Box user. */
  const person = async (more: Partial<Person> = {}) => {
    const name = randomUUID();
    const made = await signIn(
      samplePerson({ username: `${name}@example.com`, subject: `00u${name}`, ...more }),
    );
    await work();
    return made;
  };
  const document = (externalId: string, more: Document = {}): Document => ({
    ...{
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
      userName: `${externalId}@example.com`,
      externalId,
    },
    ...more,
  });
  /** A person whom SCIM manages, with a Box user. */
  const pushed = async (externalId = `00u${randomUUID()}`) => {
    const { resource } = await users.create(document(externalId));
    await work();
    return { id: resource.id, externalId };
  };
  const identity = async (id: string) =>
    await database.prisma.identity.findUniqueOrThrow({
      where: { id },
      include: { boxAccount: true, links: true },
    });
  const merge = (staying: string, other: string, reactivate = false) =>
    merges.apply({ staying, other }, { reactivate, by: 'operator:olga' }, change);
  const activeBoxUsers = () =>
    [...box.users.values()]
      .filter(({ status }) => status === 'active')
      .map(({ id }) => id)
      .sort();
  return {
    ...{
      tenantId,
      box,
      store,
      groupStore,
      intake,
      users,
      groups,
      merges,
      rows,
      work,
      signIn,
      person,
      document,
      pushed,
    },
    ...{ identity, merge, activeBoxUsers },
  };
}
