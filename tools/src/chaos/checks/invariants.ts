import { wasDeleted, type Directory } from '../directory.ts';
import type { Actor } from '../scheduler.ts';
import type { House } from '../world.ts';
import { auditHolds } from './audit.ts';
import { callsHold, type CallRow } from './calls.ts';
import { groupsHold, type GroupRow } from './groups.ts';
import type { Entry } from './ledger.ts';
import { underLease } from './leases.ts';
import { peopleHold, type IdentityRow } from './people.ts';
import { readWritten } from './witness.ts';

/** What is known at the end of a schedule. */
export interface Ended {
  readonly house: House;
  readonly tenantId: string;
  readonly clientId: string;
  /** Which actor used which connection. */
  readonly actorOf: (pid: number) => Actor | undefined;
  readonly ledger: readonly Entry[];
  /** What the directory pushed, with its latest state. */
  readonly directory: Directory;
  /** People and groups for which Box may have an older state than the latest; see `WireCheck`. */
  readonly overtaken: ReadonlySet<string>;
}

/** The promises that are broken, one sentence each; empty when all is well. */
export async function violations(ended: Ended): Promise<string[]> {
  const { house, tenantId, clientId, actorOf, ledger, directory, overtaken } = ended;
  const identities = await identitiesOf(ended);
  const box = await house.twin.state();
  const users = box.users.filter((user) => user.kind === 'app' && user.clientId === clientId);
  const { people, groups } = directory;
  return [
    ...peopleHold({ identities, users, pushed: people, overtaken }),
    ...groupsHold({
      rows: await groupsOf(ended),
      pushed: groups,
      deleted: people.filter(wasDeleted),
      identities,
      box,
      overtaken,
    }),
    ...(await allFinal(ended)),
    ...callsHold(await callsOf(ended), ledger, await house.twin.calls()),
    ...underLease(await readWritten(house.admin, tenantId), actorOf),
    ...(await auditHolds(house.checking, house.admin, tenantId)),
  ];
}

const identitiesOf = ({ house, tenantId }: Ended): Promise<IdentityRow[]> =>
  house.admin.query<IdentityRow>(
    `SELECT i.id, i.subject, i.box_external_id AS "boxExternalId", i.name, i.username, i.active, i.generation, a.box_user_id AS "boxUserId",
       a.applied_generation AS "appliedGeneration"
     FROM identity i LEFT JOIN box_account a ON a.identity_id = i.id WHERE i.tenant_id = $1 ORDER BY i.subject, i.id`,
    [tenantId],
  );

const groupsOf = ({ house, tenantId }: Ended): Promise<GroupRow[]> =>
  house.admin.query<GroupRow>(
    `SELECT id, box_group_id AS "boxGroupId", generation, applied_generation AS "appliedGeneration",
       deleted_at IS NOT NULL AS "isDeleted", ARRAY(
         SELECT m.identity_id::text FROM scim_group_member m
         WHERE m.group_id = g.id AND m.is_wanted AND m.identity_id IS NOT NULL) AS wanted
     FROM scim_group g WHERE tenant_id = $1`,
    [tenantId],
  );

const callsOf = ({ house, tenantId }: Ended): Promise<CallRow[]> =>
  house.admin.query<CallRow>(
    `SELECT c.id::text, w.holder_id AS "holderId", c.operation, o.result
     FROM api_call c JOIN chaos.written w ON w.call_id = c.id LEFT JOIN api_call_outcome o ON o.call_id = c.id
     WHERE c.tenant_id = $1 AND c.operation <> 'token' ORDER BY c.id`,
    [tenantId],
  );

async function allFinal({ house, tenantId }: Ended): Promise<string[]> {
  const open = await house.admin.query<{ status: string }>(
    `SELECT status FROM provisioning_request WHERE tenant_id = $1 AND status NOT IN ('succeeded', 'failed')`,
    [tenantId],
  );
  return open.map(({ status }) => `a request stays ${status}`);
}
