import type { RecordedChange } from '@foyer/provisioning';
import type { Document, GroupEdit, ListQuery, Member } from '@foyer/scim';
import { ENQUEUE_GRACE_MS, FoyerError, GROUP_PRIORITY } from '@foyer/shared';
import type { ClientBase } from 'pg';
import { changingOn, type OnRecord } from '../../call-log/change-record.ts';
import type { Database } from '../../database/database.ts';
import { type OpenedRequest } from '../../requests/new-request.ts';
import { openRequests } from '../../requests/open-requests.ts';
import { run, statement } from '../../database/statement.ts';
import { GroupMembers } from './group-members.ts';
import { readPage, type Listed, type ScimPage } from '../listing.ts';
import { groupPlaces, waits } from '../places.ts';
import { groupConflict, type GroupKeys } from '../taken.ts';
import type { Written } from '../users/user.ts';

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
  /** Null if they were not requested. */
  readonly members: readonly ScimMember[] | null;
}

export interface ScimMember {
  readonly value: string;
  readonly display: string | null;
  readonly type: 'User' | 'Group';
  /** Why Box does not have the member (yet); null when it has. */
  readonly waits: 'unknown' | 'not-in-box' | 'refused' | 'queued' | null;
}

const ownColumns = `g.id, g.display_name AS "displayName", g.external_id AS "externalId", g.version,
  g.created_at AS "createdAt", g.updated_at AS "updatedAt", g.box_group_id AS "boxGroupId",
  g.applied_generation = g.generation AS "inStep"`;
const columns = `${ownColumns},
  (SELECT r.id FROM provisioning_request r WHERE r.tenant_id = g.tenant_id AND r.group_id = g.id
   ORDER BY r.created_at DESC, r.id DESC LIMIT 1) AS "requestId"`;

const members = `(SELECT coalesce(jsonb_agg(jsonb_build_object('value', m.value, 'type', coalesce(m.type, 'User'),
    'display', coalesce(m.display, i.username), 'waits', ${waits('m', 'a')})
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
  lookUps: [],
};

const one = `FROM ${listed.from} WHERE ${listed.where('$tenant::uuid')} AND g.id = $id::uuid`;
const readGroup = statement<'tenant' | 'id'>('scim-group', `SELECT ${columnsWith(false)} ${one}`);
const readWithMembers = statement<'tenant' | 'id'>(
  'scim-group-members',
  `SELECT ${columnsWith(true)} ${one}`,
);
const holdGroup = statement<'tenant' | 'id'>(
  'scim-group-hold',
  `SELECT ${columns} ${one} FOR NO KEY UPDATE OF g`,
);

const addGroup = statement<'tenant' | 'name' | 'external_id'>(
  'scim-group-add',
  `INSERT INTO scim_group (tenant_id, display_name, external_id)
   VALUES ($tenant::uuid, $name::text, $external_id::text) RETURNING id`,
);

const endGroup = statement<'id'>(
  'scim-group-end',
  'UPDATE scim_group SET deleted_at = clock_timestamp() WHERE id = $id::uuid',
);

/** Stores the group's new state, and opens the request that brings Box in step with its generation. */
const writeGroup = statement<'tenant' | 'id' | 'name' | 'external_id' | 'bump' | 'grace_ms'>(
  'scim-group-written',
  `WITH g AS (
    UPDATE scim_group SET display_name = $name::text, external_id = $external_id::text,
      shares_name = shares_name AND scim_group_name(display_name) = scim_group_name($name::text), generation = generation + $bump::int, version = version + $bump::int,
      updated_at = CASE $bump::int WHEN 0 THEN updated_at ELSE clock_timestamp() END
    WHERE id = $id::uuid RETURNING *
  ), ${openRequests({
    ...{ of: 'group', from: 'g', tenant: '$tenant::uuid', cause: "'scim'", priority: GROUP_PRIORITY },
    ...{ graceMs: '$grace_ms::float8', as: 'made' },
  })}
  SELECT ${ownColumns}, EXISTS (SELECT FROM made) AS "isNew", coalesce((SELECT id FROM made), (
    SELECT r.id FROM provisioning_request r WHERE r.tenant_id = $tenant::uuid AND r.group_id = $id::uuid
    ORDER BY r.created_at DESC, r.id DESC LIMIT 1)) AS "requestId" FROM g`,
);

type AttributesEdit = Extract<GroupEdit, { kind: 'attributes' }>;
type MembersEdit = Exclude<GroupEdit, AttributesEdit>;

interface GroupWrite {
  /** Null: whatever the group is by now. */
  readonly read: HeldGroup | null;
  readonly document: Document | null;
  readonly members: readonly MembersEdit[];
}

/** How often a write is decided again because the group was changed meanwhile. */
const TRIES = 50;

/** The fields of a group for `check`: enough for its ETag. */
export type HeldGroup = Omit<ScimGroup, 'members'>;

/**
 * The tenant's groups as SCIM Groups, the desired state of Box's groups. Writes record the call that asked for them in
 * the same transaction.
 */
export class ScimGroups {
  private readonly database: Database;
  private readonly tenantId: string;

  constructor(database: Database, tenantId: string) {
    this.database = database;
    this.tenantId = tenantId;
  }

  /** Null when it does not exist, or was deleted. */
  async find(id: string, withMembers: boolean): Promise<ScimGroup | null> {
    const values = { tenant: this.tenantId, id };
    const [group] = await run<ScimGroup>(this.database, withMembers ? readWithMembers : readGroup, values);
    return group ?? null;
  }

  async list(query: ListQuery, withMembers: boolean): Promise<ScimPage<ScimGroup>> {
    return readPage(this.database.pool, query, listed, columnsWith(withMembers), this.tenantId);
  }

  /** Throws KeyConflict. Unknown members are stored for later: they never fail the group. */
  async create(
    document: Document,
    given: readonly Member[],
    call?: RecordedChange,
  ): Promise<Written<HeldGroup>> {
    const { displayName, externalId } = toColumns(document);
    return this.writing(call, { self: null, displayName }, async (client, onRecord) => {
      const [added] = await run<{ id: string }>({ client }, addGroup, {
        ...{ tenant: this.tenantId, name: displayName, external_id: externalId },
      });
      const { id } = added!;
      await new GroupMembers(client, this.tenantId, id).add(given);
      const written = await this.written(client, id, { document, bump: 0 });
      await onRecord(written.resource.requestId, null, { group: id });
      return written;
    });
  }

  /**
   * Changes a group: its own attributes with `change`, its members with the edits, in their order. `check` and `change`
   * get the group as read; they may be called again, and what they throw ends the edit. Without
   * either, changes that run at the same moment are made one after the other. Null when the group does not exist. Throws KeyConflict.
   */
  async edit(
    id: string,
    check: ((group: HeldGroup) => void) | null,
    edits: readonly GroupEdit[],
    change: (document: Document, edit: AttributesEdit) => Document,
    call?: RecordedChange,
  ): Promise<Written<HeldGroup> | null> {
    const attributes = edits.filter((edit) => edit.kind === 'attributes');
    const members = edits.filter((edit) => edit.kind !== 'attributes');
    if (check === null && attributes.length === 0)
      return this.write(id, { read: null, document: null, members }, call);
    return this.whileMoving(id, (read) => {
      check?.(read);
      return this.write(id, { read, document: attributes.reduce(change, toDocument(read)), members }, call);
    });
  }

  /** As `edit`. Box's group is deleted too. */
  async remove(
    id: string,
    check: ((group: HeldGroup) => void) | null,
    call?: RecordedChange,
  ): Promise<readonly OpenedRequest[] | null> {
    return this.whileMoving(id, (read) => {
      check?.(read);
      return this.writing(call, { self: id, displayName: null }, async (client, onRecord) => {
        const before = await this.hold(client, id);
        if (before === null || (check !== null && before.version !== read.version)) return null;
        await run({ client }, endGroup, { id });
        const written = await this.written(client, id, { document: toDocument(before), bump: 1 });
        await onRecord(written.resource.requestId, null, { group: id });
        return written.requests;
      });
    });
  }

  /** Reads and writes until the group is as read when it is written. Null when it does not exist. */
  private async whileMoving<T>(id: string, write: (read: HeldGroup) => Promise<T | null>): Promise<T | null> {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const read = await this.find(id, false);
      if (read === null) return null;
      const written = await write(read);
      if (written !== null) return written;
    }
    throw new FoyerError('unavailable', 'The group is being changed by too many calls at once.');
  }

  /** Null when the group does not exist any more, or is not as `read`. Without a document its attributes stay. */
  private async write(
    id: string,
    { read, document, members }: GroupWrite,
    call: RecordedChange | undefined,
  ): Promise<Written<HeldGroup> | null> {
    const displayName = document && toColumns(document).displayName;
    return this.writing(call, { self: id, displayName }, async (client, onRecord) => {
      const before = await this.hold(client, id);
      if (before === null || (read !== null && before.version !== read.version)) return null;
      const of = new GroupMembers(client, this.tenantId, id);
      let changed = 0;
      for (const edit of members) changed += await applyEdit(of, edit);
      const next = document ?? toDocument(before);
      const isNews = changed > 0 || !isSame(next, before);
      // Nothing changed. If Box is not in step, a request is opened unless one is open already, so that it is tried
      // again.
      if (!isNews && before.inStep) return { resource: before, requests: [] };
      const written = await this.written(client, id, { document: next, bump: isNews ? 1 : 0 });
      await onRecord(written.resource.requestId, null, { group: id });
      return written;
    });
  }

  private async writing<T>(
    call: RecordedChange | undefined,
    keys: GroupKeys,
    work: (client: ClientBase, onRecord: OnRecord) => Promise<T>,
  ): Promise<T> {
    try {
      return await changingOn(this.database, this.tenantId, call, work);
    } catch (error) {
      throw await groupConflict(this.database, this.tenantId, error, keys);
    }
  }

  private async hold(client: ClientBase, id: string): Promise<HeldGroup | null> {
    const [group] = await run<HeldGroup>({ client }, holdGroup, { tenant: this.tenantId, id });
    return group ?? null;
  }

  private async written(
    client: ClientBase,
    id: string,
    { document, bump }: { readonly document: Document; readonly bump: 0 | 1 },
  ): Promise<Written<HeldGroup>> {
    const { displayName, externalId } = toColumns(document);
    const [row] = await run<HeldGroup & { requestId: string; isNew: boolean }>({ client }, writeGroup, {
      ...{ tenant: this.tenantId, id, name: displayName, external_id: externalId },
      ...{ bump, grace_ms: ENQUEUE_GRACE_MS },
    });
    const { isNew, ...resource } = row!;
    const work = { job: 'converge-group', priority: GROUP_PRIORITY, wasPromoted: false } as const;
    return { resource, requests: [{ ...work, requestId: resource.requestId, isNew }] };
  }
}

const isSame = (document: Document, before: HeldGroup): boolean => {
  const { displayName, externalId } = toColumns(document);
  return displayName === before.displayName && externalId === before.externalId;
};

const applyEdit = (of: GroupMembers, edit: MembersEdit): Promise<number> => {
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
