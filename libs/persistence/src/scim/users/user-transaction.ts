import { randomUUID } from 'node:crypto';
import type { LinkRule, ResourceChange } from '@foyer/directory';
import { STAND_IN, toPerson, type Document } from '@foyer/scim';
import { linkMade, linkTo } from '../../identities/links.ts';
import { requestFor, type OpenedRequest } from '../../requests/new-request.ts';
import { run, statement, type SqlValue } from '../../database/statement.ts';
import type { Transaction } from '../../database/transaction.ts';
import { requestsForGroups, takeOut } from '../groups/group-members.ts';
import type { ScimUser, Written } from './user.ts';
import { claimName, makeWay } from './user-keys.ts';
import { columns, listed, toUser, type Row } from './user-rows.ts';

/** What happens to the Box user when the resource is deleted. */
export type DeletePolicy = 'deactivate' | 'delete';

const named = 'username = $username::text, email = $email::text, name = $name::text';
const changedNow = 'generation = generation + 1, updated_at = clock_timestamp()';
type PersonValue = 'username' | 'email' | 'name' | 'active' | 'document' | 'profile';
const personValues = (document: Document): Record<PersonValue, SqlValue> => {
  const { userName: username, email, name, active, profile } = toPerson(document);
  return {
    ...{ username, email, name, active },
    ...{ document: JSON.stringify(document), profile: JSON.stringify(profile) },
  };
};

const reviveUser = statement<'id' | 'subject' | PersonValue>(
  'revive-user',
  `UPDATE identity SET scim = $document::jsonb, ${named}, active = $active::boolean, scim_deleted_at = NULL,
     is_removed = false, shares_user_name = false, subject = coalesce($subject::text, subject),
     box_profile = $profile::jsonb, ${changedNow}
   WHERE id = $id::uuid`,
);

const insertLinked = statement<'tenant' | 'issuer' | 'subject' | 'by' | PersonValue>(
  'insert-linked-user',
  `WITH made AS (
     INSERT INTO identity (tenant_id, issuer, subject, username, email, name, active, scim, box_profile)
     VALUES ($tenant::uuid, $issuer::text, $subject::text, $username::text, $email::text, $name::text,
       $active::boolean, $document::jsonb, $profile::jsonb)
     RETURNING id, tenant_id, issuer, subject
   ), ${linkMade('same_subject', '$by::text', { mayMove: true })}
   SELECT id FROM made`,
);

const claimKeys = statement<'id' | 'subject' | PersonValue>(
  'claim-keys',
  `UPDATE identity SET scim = $document::jsonb, ${named}, subject = coalesce($subject::text, subject),
     active = $active::boolean, box_profile = $profile::jsonb, is_removed = false,
     shares_user_name = shares_user_name AND scim_user_name(username) = scim_user_name($username::text), ${changedNow}
   WHERE id = $id::uuid`,
);

const endUser = statement<'id' | 'document' | 'is_removed'>(
  'end-user',
  `UPDATE identity SET scim = $document::jsonb, active = false, is_removed = $is_removed::boolean,
     scim_deleted_at = clock_timestamp(), ${changedNow}
   WHERE id = $id::uuid`,
);

/** Removes a person from all groups, and returns these groups, locked. */
const leaveGroups = statement<'id'>(
  'leave-groups',
  `WITH held AS (
     SELECT g.id FROM scim_group g WHERE g.deleted_at IS NULL AND g.id IN (
       SELECT m.group_id FROM scim_group_member m WHERE m.identity_id = $id::uuid AND m.is_wanted)
     ORDER BY g.id FOR NO KEY UPDATE OF g
   ), ${takeOut('m.identity_id = $id::uuid AND m.group_id IN (SELECT id FROM held)')}
   SELECT id FROM held`,
);

const joinGroups = statement<'id'>(
  'join-groups',
  'SELECT DISTINCT j AS id FROM identity i, join_parked_members(i) j WHERE i.id = $id::uuid',
);

const readGeneration = statement<'id'>('generation', 'SELECT generation FROM identity WHERE id = $id::uuid');

const holdUser = statement<'tenant' | 'id'>(
  'scim-user-hold',
  `SELECT ${columns} FROM ${listed.from} WHERE ${listed.where('$tenant::uuid')} AND i.id = $id::uuid
   FOR NO KEY UPDATE OF i`,
);

/** The writes of a person that also change other people or groups: steps of one transaction, by whose word. */
export class UserTransaction {
  private readonly tx: Transaction;
  private readonly tenantId: string;
  private readonly by: string | null;

  /** `by` is null when the call is recorded elsewhere. */
  constructor(tx: Transaction, tenantId: string, by: string | null) {
    this.tx = tx;
    this.tenantId = tenantId;
    this.by = by;
  }

  /** Locks the person's row. False when they are not as read any more. */
  async holdAsRead({ id, generation }: ScimUser): Promise<boolean> {
    const held = await this.hold(id);
    return held?.generation === generation;
  }

  /** The person keeps their identity, and the external id that they bring leads to it by the rule. */
  async revive(
    { id, rule }: { readonly id: string; readonly rule: LinkRule },
    document: Document,
  ): Promise<void> {
    const { tx } = this;
    const { externalId: subject } = toPerson(document);
    if (subject !== null) await linkTo(tx, this.tenantId, id, { subject, rule, by: this.by });
    await run({ tx }, reviveUser, { ...personValues(document), id, subject });
  }

  /** A new person; an id that a sign-in brought for another person moves to them. */
  async insert(issuer: string, subject: string, document: Document): Promise<string> {
    const { tx, tenantId: tenant, by } = this;
    const values = { ...personValues(document), tenant, issuer, subject, by };
    const [row] = await run<{ id: string }>({ tx }, insertLinked, values);
    return row!.id;
  }

  /**
   * Gives a person, whose row is held, the keys of the document, and frees these where only sign-ins, machines or files
   * have used them. Returns the requests of the identities that this changed.
   */
  async claim(
    { id }: ScimUser,
    document: Document,
    change: Extract<ResourceChange, { kind: 'claim' }>,
  ): Promise<readonly OpenedRequest[]> {
    const { tx } = this;
    const person = toPerson(document);
    if (change.isNewName) await claimName(tx, this.tenantId, id, person.userName);
    const subject = change.subject === 'stand-in' ? `${STAND_IN}${randomUUID()}` : person.externalId;
    const requests = change.subject === 'same' ? [] : await makeWay(tx, this.tenantId, id, subject!);
    if (change.subject !== 'same')
      await linkTo(tx, this.tenantId, id, { subject: subject!, rule: 'administered', by: this.by });
    await run({ tx }, claimKeys, { ...personValues(document), id, subject });
    return requests;
  }

  /** Ends the resource of a person whose row is held. Returns the requests, the person's own first. */
  async end({ id, document }: ScimUser, policy: DeletePolicy): Promise<readonly OpenedRequest[]> {
    const ended = JSON.stringify({ ...document, active: false });
    const { tx } = this;
    await run({ tx }, endUser, { id, document: ended, is_removed: policy === 'delete' });
    const left = await run<{ id: string }>({ tx }, leaveGroups, { id });
    return [await this.requested(id), ...(await this.changed(left))];
  }

  /** Opens the requests, including those of groups that waited for the person, and reads the person's new state. */
  async written(id: string): Promise<Written<ScimUser>> {
    const person = await this.requested(id);
    const joined = await run<{ id: string }>({ tx: this.tx }, joinGroups, { id });
    const groups = await this.changed(joined);
    return { resource: (await this.hold(id))!, requests: [person, ...groups] };
  }

  private changed(groups: readonly { readonly id: string }[]): Promise<OpenedRequest[]> {
    return requestsForGroups(
      this.tx,
      this.tenantId,
      groups.map(({ id }) => id),
    );
  }

  private async requested(id: string): Promise<OpenedRequest> {
    const [row] = await run<{ generation: number }>({ tx: this.tx }, readGeneration, { id });
    return requestFor(this.tx, this.tenantId, { identityId: id, generation: row!.generation }, 'scim');
  }

  private async hold(id: string): Promise<ScimUser | null> {
    const [row] = await run<Row>({ tx: this.tx }, holdUser, { tenant: this.tenantId, id });
    return row ? toUser(row) : null;
  }
}
