import { randomUUID } from 'node:crypto';
import type { LinkRule, ResourceChange } from '@foyer/directory';
import { STAND_IN, toPerson, type Document } from '@foyer/scim';
import { linkMade, linkTo } from '../identities/links.ts';
import { requestFor, type OpenedRequest } from '../requests/new-request.ts';
import type { Transaction } from '../database/transaction.ts';
import { requestsForGroups, takeOut } from './group-members.ts';
import type { ScimUser, Written } from './user.ts';
import { claimName, makeWay } from './user-roads.ts';
import { columns, listed, toUser, type Row } from './user-rows.ts';

/** What happens to the Box user when the resource is deleted. */
export type DeletePolicy = 'deactivate' | 'delete';

/** The writes of a person that also change other people or groups: steps of one transaction, by whose word. */
export class UserWrites {
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
    const person = toPerson(document);
    const { externalId: subject } = person;
    if (subject !== null) await linkTo(tx, this.tenantId, id, { subject, rule, by: this.by });
    await tx.$executeRaw`
      UPDATE identity SET scim = ${JSON.stringify(document)}::jsonb, scim_deleted_at = NULL, is_removed = false, shares_user_name = false,
        subject = coalesce(${person.externalId}, subject),
        username = ${person.userName}, email = ${person.email}, name = ${person.name}, active = ${person.active},
        box_profile = ${JSON.stringify(person.profile)}::jsonb, generation = generation + 1, updated_at = clock_timestamp()
      WHERE id = ${id}::uuid`;
  }

  /** A new person; an id that a sign-in brought for another person moves to them. */
  async insert(issuer: string, subject: string, document: Document): Promise<string> {
    const person = toPerson(document);
    const values = [person.userName, person.email, person.name, person.active, JSON.stringify(document)];
    const [row] = await this.tx.$queryRawUnsafe<{ id: string }[]>(
      insertLinked,
      ...[this.tenantId, issuer, subject, ...values, JSON.stringify(person.profile), this.by],
    );
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
    await tx.$executeRaw`
      UPDATE identity SET scim = ${JSON.stringify(document)}::jsonb, username = ${person.userName},
        subject = coalesce(${subject}, subject), email = ${person.email}, name = ${person.name},
        active = ${person.active}, box_profile = ${JSON.stringify(person.profile)}::jsonb, is_removed = false,
        shares_user_name = shares_user_name AND scim_user_name(username) = scim_user_name(${person.userName}::text),
        generation = generation + 1, updated_at = clock_timestamp()
      WHERE id = ${id}::uuid`;
    return requests;
  }

  /** Ends the resource of a person whose row is held. Returns the requests, the person's own first. */
  async end({ id, document }: ScimUser, policy: DeletePolicy): Promise<readonly OpenedRequest[]> {
    const ended = JSON.stringify({ ...document, active: false });
    await this.tx.$executeRaw`
      UPDATE identity SET scim = ${ended}::jsonb, active = false, is_removed = ${policy === 'delete'},
        scim_deleted_at = clock_timestamp(), generation = generation + 1, updated_at = clock_timestamp()
      WHERE id = ${id}::uuid`;
    const left = await this.tx.$queryRawUnsafe<{ id: string }[]>(leaveGroups, id);
    return [await this.requested(id), ...(await this.changed(left))];
  }

  /** Opens the requests, including those of groups that waited for the person, and reads the person's new state. */
  async written(id: string): Promise<Written<ScimUser>> {
    const person = await this.requested(id);
    const joined = await this.tx.$queryRaw<{ id: string }[]>`
      SELECT DISTINCT j AS id FROM identity i, join_parked_members(i) j WHERE i.id = ${id}::uuid`;
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
    const [row] = await this.tx.$queryRaw<{ generation: number }[]>`
      SELECT generation FROM identity WHERE id = ${id}::uuid`;
    return requestFor(this.tx, this.tenantId, { identityId: id, generation: row!.generation }, 'scim');
  }

  private async hold(id: string): Promise<ScimUser | null> {
    const rows = await this.tx.$queryRawUnsafe<Row[]>(
      `SELECT ${columns} FROM ${listed.from} WHERE ${listed.where('$1::uuid')} AND i.id = $2::uuid FOR NO KEY UPDATE OF i`,
      this.tenantId,
      id,
    );
    return rows[0] ? toUser(rows[0]) : null;
  }
}

/** $4 user name, $5 e-mail, $6 name, $7 active, $8 document, $9 profile, $10 by whose word. */
const insertLinked = `WITH made AS (
    INSERT INTO identity (tenant_id, issuer, subject, username, email, name, active, scim, box_profile)
    VALUES ($1::uuid, $2, $3, $4, $5, $6, $7, $8::jsonb, $9::jsonb) RETURNING id, tenant_id, issuer, subject
  ), ${linkMade(`'same_subject'`, '$10', { mayMove: true })}
  SELECT id FROM made`;

/** Removes a person from all groups, and returns these groups, locked. */
const leaveGroups = `WITH held AS (
    SELECT g.id FROM scim_group g WHERE g.deleted_at IS NULL AND g.id IN (
      SELECT m.group_id FROM scim_group_member m WHERE m.identity_id = $1::uuid AND m.is_wanted)
    ORDER BY g.id FOR NO KEY UPDATE OF g
  ), ${takeOut('m.identity_id = $1::uuid AND m.group_id IN (SELECT id FROM held)')}
  SELECT id FROM held`;
