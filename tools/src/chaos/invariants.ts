import { boxDisplayName } from '@foyer/provisioning';
import type { Actor } from './scheduler.ts';
import type { House } from './world.ts';
import { readWritten, type Written } from './witness.ts';

interface IdentityRow {
  readonly id: string;
  readonly subject: string;
  readonly name: string;
  readonly username: string;
  readonly generation: number;
  readonly boxUserId: string | null;
  readonly appliedGeneration: number | null;
}

interface CallRow {
  readonly id: string;
  readonly identityId: string;
  readonly operation: string;
  readonly result: 'ok' | 'refused' | 'failed' | 'ambiguous' | null;
}

/** What a schedule knows at its end. */
export interface Ended {
  readonly house: House;
  readonly tenantId: string;
  readonly clientId: string;
  /** Who used which connection. */
  readonly actorOf: (pid: number) => Actor | undefined;
  /** Identities of which Box got a change after its worker had lost the lease: the name may be an older one. */
  readonly overtaken: ReadonlySet<string>;
}

/** What was promised and does not hold; each in one sentence. Nothing when all is well. */
export async function violations(ended: Ended): Promise<string[]> {
  const identities = await identitiesOf(ended);
  const calls = await callsOf(ended);
  const written = await readWritten(ended.house.admin, ended.tenantId);
  return [
    ...(await oneBoxUserEach(ended, identities)),
    ...(await allFinal(ended)),
    ...settled(calls),
    ...askedBeforeAgain(calls),
    ...underLease(ended, written),
  ];
}

const identitiesOf = ({ house, tenantId }: Ended): Promise<IdentityRow[]> =>
  house.admin.query<IdentityRow>(
    `SELECT i.id, i.subject, i.name, i.username, i.generation, a.box_user_id AS "boxUserId",
       a.applied_generation AS "appliedGeneration"
     FROM identity i LEFT JOIN box_account a ON a.identity_id = i.id WHERE i.tenant_id = $1 ORDER BY i.subject, i.id`,
    [tenantId],
  );

const callsOf = ({ house, tenantId }: Ended): Promise<CallRow[]> =>
  house.admin.query<CallRow>(
    `SELECT c.id::text, c.identity_id AS "identityId", c.operation, o.result
     FROM api_call c LEFT JOIN api_call_outcome o ON o.call_id = c.id
     WHERE c.tenant_id = $1 AND c.operation <> 'token' ORDER BY c.id`,
    [tenantId],
  );

/** Exactly one live Box user for each identity, mapped and in step; and no Box user without an identity. */
async function oneBoxUserEach(
  { house, clientId, overtaken }: Ended,
  identities: readonly IdentityRow[],
): Promise<string[]> {
  const { users } = await house.twin.state();
  const ours = users.filter((user) => user.kind === 'app' && user.clientId === clientId);
  const subjects = new Set(identities.map(({ subject }) => subject));
  const orphans = ours.filter(({ externalId }) => externalId === null || !subjects.has(externalId));
  const twice = [...Map.groupBy(identities, ({ subject }) => subject)].filter(([, rows]) => rows.length > 1);
  const problems = identities.flatMap((identity) => {
    const mine = ours.filter(({ externalId }) => externalId === identity.subject);
    const who = identity.subject;
    const [user] = mine;
    if (!user || mine.length !== 1) return [`${who} has ${mine.length} Box users`];
    if (user.status !== 'active') return [`the Box user of ${who} is ${user.status}`];
    if (user.id !== identity.boxUserId) return [`${who} is not mapped to its Box user`];
    if (identity.appliedGeneration !== identity.generation) return [`${who} is not in step`];
    if (user.name !== boxDisplayName(identity) && !overtaken.has(identity.id))
      return [`${who} is called "${user.name}" in Box instead of "${boxDisplayName(identity)}"`];
    return [];
  });
  return [
    ...twice.map(([subject, rows]) => `${subject} is ${rows.length} identities`),
    ...problems,
    ...orphans.map(({ externalId }) => `a Box user without an identity: ${externalId}`),
  ];
}

async function allFinal({ house, tenantId }: Ended): Promise<string[]> {
  const open = await house.admin.query<{ status: string }>(
    `SELECT status FROM provisioning_request WHERE tenant_id = $1 AND status NOT IN ('succeeded', 'failed')`,
    [tenantId],
  );
  return open.map(({ status }) => `a request is ${status} for ever`);
}

const isWrite = ({ operation }: CallRow): boolean =>
  operation === 'create_user' || operation === 'update_user';
const isClear = ({ result }: CallRow): boolean => result === 'ok' || result === 'refused';

/** Every write to Box has its outcome, or after it a look-up or another write that was answered: either says what Box has. */
const settled = (calls: readonly CallRow[]): string[] =>
  calls.flatMap((call, at) => {
    if (!isWrite(call) || (call.result !== null && call.result !== 'ambiguous')) return [];
    const later = calls.slice(at + 1).filter(({ identityId }) => identityId === call.identityId);
    return later.some(isClear) ? [] : [`nobody ever found out how a ${call.operation} ended`];
  });

/** After a create that may have worked, Box has answered (a look-up, or that somebody has the external id) before it is told again. */
const askedBeforeAgain = (calls: readonly CallRow[]): string[] =>
  [...Map.groupBy(calls, ({ identityId }) => identityId).values()].flatMap((own) => {
    const problems: string[] = [];
    let isInDoubt = false;
    let isAnswered = false;
    for (const call of own) {
      const isCreate = call.operation === 'create_user';
      if (isCreate && isInDoubt && !isAnswered)
        problems.push('a create was sent again without asking Box first');
      if (isClear(call) && (isCreate || !isWrite(call))) isAnswered = isInDoubt;
      if (isCreate && (call.result === null || call.result === 'ambiguous')) isInDoubt = true;
      if (isCreate && call.result === 'ok') [isInDoubt, isAnswered] = [false, false];
    }
    return problems;
  });

/** No worker wrote what a lease covers without holding it: to our tables, or the intent of a call to Box. */
function underLease({ actorOf }: Ended, written: readonly Written[]): string[] {
  const holders = new Map<string, Actor | undefined>();
  const problems: string[] = [];
  for (const group of Map.groupBy(written, ({ tx, identityId }) => `${tx} ${identityId}`).values()) {
    const [first] = group;
    const writer = actorOf(first!.pid);
    if (!writer?.role.startsWith('worker')) continue;
    const lease = group.find(({ what }) => what === 'lease');
    const isTaking = lease !== undefined && lease.token !== lease.wasToken;
    if (isTaking && lease.wasLive) problems.push(`${writer.name} took a lease that another held`);
    if (isTaking) holders.set(first!.identityId, writer);
    for (const { what, detail } of group.filter((row) => row.what !== 'lease' && row.what !== 'token')) {
      const isHeld = holders.get(first!.identityId) === writer;
      const hadRunOut = lease !== undefined && !isTaking && lease.wasLive === false;
      const isUnfenced = what === 'call' && !lease;
      if (!isHeld || hadRunOut || isUnfenced) {
        problems.push(`${writer.name} wrote "${what} ${detail ?? ''}" without the lease`);
      }
    }
  }
  return problems;
}
