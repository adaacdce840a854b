import type { Filter, Member } from '@foyer/scim';
import { GROUP_PRIORITY, isId } from '@foyer/shared';
import type { ClientBase } from 'pg';
import { ruleText } from '../../identities/links.ts';
import { requestFor, type OpenedRequest } from '../../requests/new-request.ts';
import { run, setStatement, statement, type SqlValue, type Statement } from '../../database/statement.ts';
import { openRequests, scimOpening } from '../../requests/open-requests.ts';
import type { Transaction } from '../../database/transaction.ts';
import { filterSql, Parameters } from '../filter-sql.ts';
import { memberPlaces } from '../places.ts';
import type { ScimUser } from '../users/user.ts';

/** Changes a group's members by differences: rows that stay the same are neither read nor written. */

/**
 * The identities that the client's members refer to: by our id or by Okta id, also by one that was merged
 * into another. A member that is not known yet is stored
 * under the given value. `members`: as JSON.
 */
const given = `given AS (
    SELECT DISTINCT ON (coalesce(i.id::text, x.value)) coalesce(i.id::text, x.value) AS value, i.id AS identity_id,
      x.display, x.type
    FROM jsonb_to_recordset($members::jsonb) AS x (value text, display text, type text, id_given uuid)
    LEFT JOIN LATERAL (
      SELECT coalesce(i.merged_into, i.id) AS id FROM identity i
      WHERE i.tenant_id = $tenant::uuid AND (i.scim_deleted_at IS NULL OR i.merged_into IS NOT NULL) AND i.id = x.id_given
      UNION ALL
      SELECT i.id FROM identity i WHERE i.tenant_id = $tenant::uuid AND i.scim_deleted_at IS NULL AND i.subject = x.value
      UNION ALL
      SELECT l.identity_id FROM identity_link l
      WHERE l.tenant_id = $tenant::uuid AND l.subject = x.value AND l.rule = ${ruleText('operator_merge')}
      LIMIT 1
    ) i ON x.type IS DISTINCT FROM 'Group'
  )`;

/**
 * SET for row `m` of a member who is wanted again. Box may have removed them already when the removal was begun, so the
 * membership then counts as unknown.
 */
export const wantedAgain = `is_wanted = true, trouble = NULL, box_answer = NULL,
      box_membership_id = CASE WHEN NOT m.is_unsettled THEN m.box_membership_id END`;

type MembersValue = 'tenant' | 'group' | 'members';

const add = setStatement<MembersValue>(
  'members-add',
  `WITH ${given}, changed AS (
    INSERT INTO scim_group_member AS m (group_id, tenant_id, value, identity_id, display, type)
    SELECT $group::uuid, $tenant::uuid, value, identity_id, display, coalesce(type, 'User') FROM given ORDER BY value
    ON CONFLICT (group_id, value) DO UPDATE SET ${wantedAgain},
      identity_id = coalesce(excluded.identity_id, m.identity_id), display = coalesce(excluded.display, m.display)
    WHERE NOT m.is_wanted
    RETURNING 1
  ) SELECT count(*)::int AS changed FROM changed`,
);

/**
 * Removes members (rows `m`) in `kept` and `gone`: members that Box has, or may have, stay until Box has removed them.
 */
export const takeOut = (condition: string): string => `kept AS (
    UPDATE scim_group_member m SET is_wanted = false
    WHERE m.is_wanted AND (m.box_membership_id IS NOT NULL OR m.is_unsettled) AND ${condition} RETURNING 1
  ), gone AS (
    DELETE FROM scim_group_member m
    WHERE m.box_membership_id IS NULL AND NOT m.is_unsettled AND ${condition} RETURNING 1
  )`;

const removeWhere = (condition: string): string =>
  `${takeOut(
    `m.tenant_id = $tenant::uuid AND m.group_id = $group::uuid AND ${condition}`,
  )} SELECT ((SELECT count(*) FROM kept) + (SELECT count(*) FROM gone))::int AS changed`;

const remove = setStatement<MembersValue>(
  'members-remove',
  `WITH ${given}, ${removeWhere('m.value IN (SELECT value FROM given)')}`,
);
const removeOthers = setStatement<MembersValue>(
  'members-remove-others',
  `WITH ${given}, ${removeWhere('NOT EXISTS (SELECT FROM given WHERE given.value = m.value)')}`,
);

const json = (members: readonly Pick<Member, 'value'>[]): string =>
  JSON.stringify(
    members.map((member) => ({ ...member, id_given: isId(member.value) ? member.value : null })),
  );

/** The members of one group whose row the caller holds. Each method returns how many rows it changed. */
export class GroupMembers {
  private readonly client: ClientBase;
  private readonly tenantId: string;
  private readonly groupId: string;

  constructor(client: ClientBase, tenantId: string, groupId: string) {
    this.client = client;
    this.tenantId = tenantId;
    this.groupId = groupId;
  }

  add(members: readonly Member[]): Promise<number> {
    return members.length === 0 ? Promise.resolve(0) : this.run(add, { members: json(members) });
  }

  remove(values: readonly string[]): Promise<number> {
    return values.length === 0
      ? Promise.resolve(0)
      : this.run(remove, { members: json(values.map((value) => ({ value }))) });
  }

  async removeMatching(filter: Filter): Promise<number> {
    const parameters = new Parameters();
    const condition = filterSql(filter, memberPlaces, parameters);
    return this.run(
      setStatement<string>('members-remove-matching', `WITH ${removeWhere(condition)}`),
      parameters.values,
    );
  }

  async replace(members: readonly Member[]): Promise<number> {
    const removed = await this.run(removeOthers, { members: json(members) });
    return removed + (await this.add(members));
  }

  private async run(sql: Statement<string>, values: Readonly<Record<string, SqlValue>>): Promise<number> {
    const { client, tenantId: tenant, groupId: group } = this;
    const [row] = await run<{ changed: number }>({ client }, sql, { ...values, tenant, group });
    return row!.changed;
  }
}

/**
 * Parts of a WITH, for `row` (a part with the `id` and the `subject` of a person as read, and their row as `person`): the
 * person joins the groups that waited for them, and each group has a request for its new generation. Locks the groups
 * after the person, in the order of their ids.
 */
export const joinWaitingGroups = (row: string): string => `joined AS (
    SELECT DISTINCT j AS id FROM ${row}, join_parked_members(${row}.person) j
    WHERE EXISTS (
      SELECT FROM scim_group_member m WHERE m.tenant_id = $tenant::uuid AND m.identity_id IS NULL
        AND m.type IS DISTINCT FROM 'Group' AND m.value IN ($id::uuid::text, $subject::text))
  ), grown AS (
    UPDATE scim_group g SET generation = g.generation + 1, version = g.version + 1, updated_at = clock_timestamp()
    FROM joined WHERE g.id = joined.id AND g.tenant_id = $tenant::uuid RETURNING g.id, g.generation
  ), ${openRequests({ ...scimOpening, of: 'group', priority: GROUP_PRIORITY, from: 'grown', as: 'group_request' })}`;

/** What `joinWaitingGroups` did, as columns: the requests of groups, and all groups of the person if they joined one. */
export const joinedColumns = `coalesce((SELECT jsonb_agg(id) FROM group_request), '[]') AS "groupRequests",
    CASE WHEN EXISTS (SELECT FROM joined) THEN (
      SELECT coalesce(jsonb_agg(jsonb_build_object('value', g.id, 'display', g.display_name) ORDER BY g.created_at, g.id), '[]')
      FROM scim_group g WHERE g.tenant_id = $tenant::uuid AND g.deleted_at IS NULL AND (g.id IN (SELECT id FROM joined)
        OR g.id IN (SELECT m.group_id FROM scim_group_member m WHERE m.identity_id = $id::uuid AND m.is_wanted))) END AS groups`;

export interface JoinedRow {
  readonly groupRequests: readonly string[];
  readonly groups: ScimUser['groups'] | null;
}

/** The requests of the groups, to enqueue. */
export const toGroupRequests = ({ groupRequests }: JoinedRow): OpenedRequest[] =>
  groupRequests.map((requestId) => ({
    ...{ requestId, job: 'converge-group', priority: GROUP_PRIORITY, isNew: true, wasPromoted: false },
  }));

const raise = statement<'id'>(
  'group-raise',
  `UPDATE scim_group SET generation = generation + 1, version = version + 1, updated_at = clock_timestamp()
   WHERE id = $id::uuid RETURNING generation`,
);

/** Raises the generations of groups whose rows the caller holds, and opens the requests that bring Box in step. */
export async function requestsForGroups(
  tx: Transaction,
  tenantId: string,
  groupIds: readonly string[],
): Promise<OpenedRequest[]> {
  const made: OpenedRequest[] = [];
  for (const groupId of groupIds) {
    const [group] = await run<{ generation: number }>({ tx }, raise, { id: groupId });
    const about = { groupId, generation: group!.generation };
    made.push(await requestFor(tx, tenantId, about, 'scim'));
  }
  return made;
}
