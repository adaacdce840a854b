import { ScimError, type Document, type GroupEdit, type ListQuery, type Member } from '@foyer/scim';
import type { Database } from '../database.ts';
import { requestFor, type MadeRequest } from '../new-request.ts';
import { sqlStateOf, transaction, UNIQUE_VIOLATION, type Transaction } from '../transaction.ts';
import { GroupMembers } from './group-members.ts';
import { listSql, toPage, type Listed, type ScimPage } from './listing.ts';
import { groupPlaces } from './places.ts';
import type { Written } from './users.ts';

/** A group as a SCIM resource. */
export interface ScimGroup {
  readonly id: string;
  readonly displayName: string;
  readonly externalId: string | null;
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly boxGroupId: string | null;
  readonly inStep: boolean;
  readonly requestId: string | null;
  /** Null where they were not asked for. */
  readonly members: readonly ScimMember[] | null;
}

export interface ScimMember {
  readonly value: string;
  readonly display: string | null;
  readonly type: 'User' | 'Group';
  /** Why Box does not have them (yet); null when it has. */
  readonly waits: 'unknown' | 'not-in-box' | 'refused' | 'queued' | null;
}

const columns = `g.id, g.display_name AS "displayName", g.external_id AS "externalId", g.version,
  g.created_at AS "createdAt", g.updated_at AS "updatedAt", g.box_group_id AS "boxGroupId",
  g.applied_generation = g.generation AS "inStep",
  (SELECT r.id FROM provisioning_request r WHERE r.tenant_id = g.tenant_id AND r.group_id = g.id
   ORDER BY r.created_at DESC, r.id DESC LIMIT 1) AS "requestId"`;

const members = `(SELECT coalesce(jsonb_agg(jsonb_build_object('value', m.value, 'type', coalesce(m.type, 'User'),
    'display', coalesce(m.display, i.username), 'waits', CASE
      WHEN m.identity_id IS NULL THEN 'unknown' WHEN m.box_membership_id IS NOT NULL THEN NULL
      WHEN m.trouble IS NOT NULL THEN 'refused' WHEN a.box_user_id IS NULL THEN 'not-in-box' ELSE 'queued' END)
    ORDER BY m.value), '[]')
  FROM scim_group_member m LEFT JOIN identity i ON i.id = m.identity_id
  LEFT JOIN box_account a ON a.identity_id = m.identity_id AND a.missing_since IS NULL
  WHERE m.group_id = g.id AND m.is_wanted) AS members`;
const columnsWith = (withMembers: boolean): string =>
  `${columns}, ${withMembers ? members : 'NULL::jsonb AS members'}`;

const listed: Listed = {
  from: 'scim_group g',
  row: 'g',
  where: (tenant) => `g.tenant_id = ${tenant} AND g.deleted_at IS NULL`,
  places: groupPlaces,
};

/** What of a group is read for `check`: enough for its ETag. */
export type HeldGroup = Omit<ScimGroup, 'members'>;

/** The tenant's groups as SCIM Groups: the desired state of Box's. */
export class ScimGroups {
  private readonly database: Database;
  private readonly tenantId: string;

  constructor(database: Database, tenantId: string) {
    this.database = database;
    this.tenantId = tenantId;
  }

  /** Null when there is none, or none any more. */
  async find(id: string, withMembers: boolean): Promise<ScimGroup | null> {
    const { rows } = await this.database.pool.query<ScimGroup>({
      name: `scim-group-${withMembers}`,
      text: `SELECT ${columnsWith(withMembers)} FROM ${listed.from} WHERE ${listed.where('$1')} AND g.id = $2`,
      values: [this.tenantId, id],
    });
    return rows[0] ?? null;
  }

  async list(query: ListQuery, withMembers: boolean): Promise<ScimPage<ScimGroup>> {
    const { total, page } = listSql(query, listed, columnsWith(withMembers), this.tenantId);
    const [counted, found] = await Promise.all([
      this.database.pool.query<{ total: number }>(total),
      query.count === 0 ? { rows: [] } : this.database.pool.query<ScimGroup>(page),
    ]);
    return toPage(found.rows, counted.rows[0]!.total, query);
  }

  /** Throws ScimError: 409 `uniqueness`. Members that nobody knows are parked: they never fail the group. */
  async create(document: Document, given: readonly Member[]): Promise<Written<HeldGroup>> {
    return this.writing(async (tx) => {
      const { displayName, externalId } = toColumns(document);
      const [row] = await tx.$queryRaw<{ id: string }[]>`
        INSERT INTO scim_group (tenant_id, display_name, external_id)
        VALUES (${this.tenantId}::uuid, ${displayName}, ${externalId}) RETURNING id`;
      await new GroupMembers(tx, this.tenantId, row!.id).add(given);
      return this.written(tx, row!.id, 1);
    });
  }

  /**
   * Changes a group: its own attributes by `change`, from what they are to what they are to be, its members by the edits, in
   * their order. Holds the group's row, so that whoever changes it at the same time comes before or after. `check` sees the
   * group first. Null when there is none.
   */
  async edit(
    id: string,
    check: (group: HeldGroup) => void,
    edits: readonly GroupEdit[],
    change: (document: Document, edit: Extract<GroupEdit, { kind: 'attributes' }>) => Document,
  ): Promise<Written<HeldGroup> | null> {
    return this.writing(async (tx) => {
      const before = await this.hold(tx, id);
      if (before === null) return null;
      check(before);
      const of = new GroupMembers(tx, this.tenantId, id);
      let document = toDocument(before);
      let changed = 0;
      for (const edit of edits) {
        if (edit.kind === 'attributes') document = change(document, edit);
        else changed += await applyEdit(of, edit);
      }
      changed += await this.setColumns(tx, id, document);
      if (changed === 0) return { resource: before, requests: [] };
      const [row] = await tx.$queryRaw<{ generation: number }[]>`
        UPDATE scim_group SET generation = generation + 1, version = version + 1, updated_at = clock_timestamp()
        WHERE id = ${id}::uuid RETURNING generation`;
      return this.written(tx, id, row!.generation);
    });
  }

  /** Null when there is none. Box's group goes with it. */
  async remove(id: string, check: (group: HeldGroup) => void): Promise<readonly MadeRequest[] | null> {
    return this.writing(async (tx) => {
      const before = await this.hold(tx, id);
      if (before === null) return null;
      check(before);
      const [row] = await tx.$queryRaw<{ generation: number }[]>`
        UPDATE scim_group SET deleted_at = clock_timestamp(), generation = generation + 1, updated_at = clock_timestamp()
        WHERE id = ${id}::uuid RETURNING generation`;
      const about = { groupId: id, generation: row!.generation };
      return [await requestFor(tx, this.tenantId, about, 'scim')];
    });
  }

  private async writing<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    try {
      return await transaction(this.database, work, { timeout: WRITE_LIMIT_MS, maxWait: WRITE_LIMIT_MS });
    } catch (error) {
      if (sqlStateOf(error) === UNIQUE_VIOLATION)
        throw new ScimError(409, 'uniqueness', 'Another group has this displayName: look it up.');
      throw error;
    }
  }

  private async hold(tx: Transaction, id: string): Promise<HeldGroup | null> {
    const rows = await tx.$queryRawUnsafe<HeldGroup[]>(
      `SELECT ${columns} FROM ${listed.from} WHERE ${listed.where('$1::uuid')} AND g.id = $2::uuid FOR NO KEY UPDATE OF g`,
      this.tenantId,
      id,
    );
    return rows[0] ?? null;
  }

  private async setColumns(tx: Transaction, id: string, document: Document): Promise<number> {
    const { displayName, externalId } = toColumns(document);
    return tx.$executeRaw`
      UPDATE scim_group SET display_name = ${displayName}, external_id = ${externalId}
      WHERE id = ${id}::uuid AND (display_name, external_id) IS DISTINCT FROM (${displayName}, ${externalId}::text)`;
  }

  private async written(tx: Transaction, id: string, generation: number): Promise<Written<HeldGroup>> {
    const made = await requestFor(tx, this.tenantId, { groupId: id, generation }, 'scim');
    const resource = (await this.hold(tx, id))!;
    return { resource, requests: [made] };
  }
}

/** A group of ten thousand is a statement of a second or two, and whoever changes it too waits behind, in milliseconds. */
const WRITE_LIMIT_MS = 30_000;

const applyEdit = (of: GroupMembers, edit: Exclude<GroupEdit, { kind: 'attributes' }>): Promise<number> => {
  switch (edit.kind) {
    case 'add-members':
      return of.add(edit.members);
    case 'remove-members':
      return of.remove(edit.values);
    case 'remove-members-matching':
      return of.removeMatching(edit.filter);
    case 'replace-members':
      return of.replace(edit.members);
  }
};

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);

const toColumns = (document: Document) => ({
  displayName: textOf(document['displayName']) ?? '',
  externalId: textOf(document['externalId']),
});

/** The group's own attributes, without its members, in the form that PATCH is applied to. */
export const toDocument = ({ displayName, externalId }: HeldGroup): Document => ({
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
  displayName,
  ...(externalId !== null && { externalId }),
});
