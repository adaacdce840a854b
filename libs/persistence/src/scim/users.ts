import { randomUUID } from 'node:crypto';
import type { RecordedChange } from '@foyer/provisioning';
import { STAND_IN, toPerson, type Document, type ListQuery } from '@foyer/scim';
import { changeValues } from '../call-log/call-log.ts';
import { changing, type Changing } from '../call-log/change-record.ts';
import type { Database } from '../database/database.ts';
import { RELAY_GRACE_MS, requestFor, type OpenedRequest } from '../requests/new-request.ts';
import { linkMade, linkTo } from '../identities/links.ts';
import { run } from '../database/statement.ts';
import { sqlStateOf, UNIQUE_VIOLATION, type Transaction } from '../database/transaction.ts';
import { readPage, type Listed, type ScimPage } from './listing.ts';
import { requestsForGroups, takeOut } from './group-members.ts';
import { isEmailClaimed, userPlaces } from './places.ts';
import { taken, takenBy } from './taken.ts';
import type { ScimUser, Written } from './user.ts';
import { insertUser, insertUserOnRecord, toNewUser, type NewRow, type NewUserValues } from './user-insert.ts';
import { shownName } from './user-names.ts';
import { claimName, findReturning, makeWay, type Returning } from './user-roads.ts';

/** What happens to the Box user when the resource is deleted. */
export type DeletePolicy = 'deactivate' | 'delete';

const columns = `i.id, scim_document(i) AS document, ${shownName('i')} AS username, i.subject,
  ${isEmailClaimed('i')} AS "isEmailClaimed", i.scim IS NOT NULL AS "isManaged", i.active, i.generation,
  i.created_at AS "createdAt", i.updated_at AS "updatedAt", a.box_user_id AS "boxUserId",
  coalesce(a.applied_generation = i.generation, false) AS "inStep",
  (SELECT r.id FROM provisioning_request r WHERE r.tenant_id = i.tenant_id AND r.identity_id = i.id
   ORDER BY r.created_at DESC, r.id DESC LIMIT 1) AS "requestId",
  coalesce((SELECT jsonb_agg(jsonb_build_object('value', g.id, 'display', g.display_name) ORDER BY g.created_at, g.id)
   FROM scim_group_member m JOIN scim_group g ON g.id = m.group_id
   WHERE m.identity_id = i.id AND m.is_wanted AND g.deleted_at IS NULL), '[]') AS groups`;

const listed: Listed = {
  from: 'identity i LEFT JOIN box_account a ON a.identity_id = i.id',
  row: 'i',
  where: (tenant) => `i.tenant_id = ${tenant} AND i.scim_deleted_at IS NULL`,
  places: userPlaces,
};

interface Row extends ScimUser {
  readonly username: string;
  readonly subject: string;
  readonly active: boolean;
  readonly isEmailClaimed: boolean;
}

function toUser({ username, subject, active, isEmailClaimed: isHidden, ...row }: Row): ScimUser {
  const { externalId: _, ...document } = isHidden ? withoutEmails(row.document) : row.document;
  const externalId = subject.startsWith(STAND_IN) ? {} : { externalId: subject };
  return { ...row, document: { ...document, userName: username, ...externalId, active } };
}

const withoutEmails = ({ emails: _claimed, ...document }: Document): Document => document;

/**
 * The tenant's people as SCIM Users: each is an identity, the desired state that Box is brought in step with. Writes
 * record the call that asked for them in the same transaction.
 */
export class ScimUsers {
  private readonly database: Database;
  private readonly tenantId: string;
  private readonly issuer: string;

  /** `issuer`: Okta's, because people whom Okta pushes will sign in there. */
  constructor(database: Database, tenantId: string, issuer: string) {
    this.database = database;
    this.tenantId = tenantId;
    this.issuer = issuer;
  }

  /** Null when the person does not exist, or was deleted. */
  async find(id: string): Promise<ScimUser | null> {
    const { rows } = await this.database.pool.query<Row>({
      name: 'scim-user',
      text: `SELECT ${columns} FROM ${listed.from} WHERE ${listed.where('$1')} AND i.id = $2`,
      values: [this.tenantId, id],
    });
    return rows[0] ? toUser(rows[0]) : null;
  }

  async list(query: ListQuery): Promise<ScimPage<ScimUser>> {
    const page = await readPage<Row>(this.database.pool, query, listed, columns, this.tenantId);
    return { ...page, items: page.items.map(toUser) };
  }

  /** Creates a new person, or revives one who returns; see `findReturning`. Throws ScimError: 409 `uniqueness`. */
  async create(document: Document, call?: RecordedChange): Promise<Written<ScimUser>> {
    const person = toPerson(document);
    const subject = person.externalId ?? `${STAND_IN}${randomUUID()}`;
    const values = {
      tenant: this.tenantId,
      issuer: this.issuer,
      subject,
      external_id: person.externalId,
      username: person.userName,
      email: person.email,
      name: person.name,
      active: person.active ? 1 : 0,
      by: actorOf(call),
      document: JSON.stringify(document),
      profile: JSON.stringify(person.profile),
      grace_ms: RELAY_GRACE_MS,
    };
    const made = await this.insertAlone(values, call);
    if (made) {
      call?.committed();
      return toNewUser(made, document);
    }
    return this.writing(call, async (tx, onRecord) => {
      const back = await findReturning(tx, this.tenantId, this.issuer, person);
      if (back !== null) await this.revive(tx, back, document, actorOf(call));
      const id = back?.id ?? (await this.insert(tx, subject, document, actorOf(call)));
      const written = await this.written(tx, id);
      await onRecord(written.requests[0]?.requestId ?? null, id);
      return written;
    });
  }

  /** Null when the person may be known: only a transaction can tell. */
  private async insertAlone(values: NewUserValues, call?: RecordedChange): Promise<NewRow | null> {
    try {
      const [made] =
        call === undefined
          ? await run<NewRow>(this.database, insertUser, values)
          : await run<NewRow>(this.database, insertUserOnRecord, { ...values, ...changeValues(call) });
      return made ?? null;
    } catch (error) {
      // Somebody else got the id at the same moment.
      if (sqlStateOf(error) === UNIQUE_VIOLATION) return null;
      throw error;
    }
  }

  /**
   * Changes a person. `change` receives the current resource and returns the whole new one; it may be called again, and
   * may throw ScimError. `check` is called with the resource first. Null when the person does not exist.
   */
  async update(
    id: string,
    check: (user: ScimUser) => void,
    change: (document: Document) => Document,
    call?: RecordedChange,
  ): Promise<Written<ScimUser> | null> {
    return this.writing(call, async (tx, onRecord) => {
      const before = await this.hold(tx, id);
      if (before === null) return null;
      check(before);
      const document = change(before.document);
      const person = toPerson(document);
      // Null keeps the subject. When the external id is removed, a stand-in replaces it.
      const isTakenAway = person.externalId === null && before.document['externalId'] !== undefined;
      const subject = isTakenAway ? `${STAND_IN}${randomUUID()}` : person.externalId;
      const given = await this.claim(tx, before, { subject, userName: person.userName, by: actorOf(call) });
      const [changed] = await tx.$queryRaw<{ id: string }[]>`
        UPDATE identity SET scim = ${JSON.stringify(document)}::jsonb, username = ${person.userName},
          subject = coalesce(${subject}, subject), email = ${person.email}, name = ${person.name},
          active = ${person.active}, box_profile = ${JSON.stringify(person.profile)}::jsonb, is_removed = false,
          shares_user_name = shares_user_name AND scim_user_name(username) = scim_user_name(${person.userName}::text),
          generation = generation + 1, updated_at = clock_timestamp()
        WHERE id = ${id}::uuid AND (scim IS DISTINCT FROM ${JSON.stringify(document)}::jsonb
          OR subject IS DISTINCT FROM coalesce(${subject}, subject))
        RETURNING id`;
      const written = changed ? await this.written(tx, id) : await this.reminded(tx, before);
      const [request] = written.requests;
      if (request) await onRecord(request.requestId, id);
      return { ...written, requests: [...written.requests, ...given] };
    });
  }

  /**
   * Frees subject and user name for this person where only sign-ins, machines or files have used them; returns the
   * requests of the identities that this changed.
   */
  private async claim(
    tx: Transaction,
    { id, isManaged, document }: ScimUser,
    { subject, userName, by }: { subject: string | null; userName: string; by: string | null },
  ): Promise<readonly OpenedRequest[]> {
    if (!isManaged || userName !== document['userName']) await claimName(tx, this.tenantId, id, userName);
    const isMoved = subject !== null && subject !== document['externalId'];
    if (!isMoved) return [];
    const requests = await makeWay(tx, this.tenantId, id, subject);
    await linkTo(tx, this.tenantId, id, { subject, rule: 'administered', by });
    return requests;
  }

  /**
   * Nothing changed. If Box is not in step, a request is opened unless one is open already, so that it is tried again.
   */
  private async reminded(tx: Transaction, user: ScimUser): Promise<Written<ScimUser>> {
    const isDone = user.inStep || (user.boxUserId === null && user.document['active'] === false);
    return isDone ? { resource: user, requests: [] } : this.written(tx, user.id);
  }

  /**
   * Null when the person does not exist. The person is always deactivated; with `delete` the Box user is deleted, too.
   */
  async remove(
    id: string,
    policy: DeletePolicy,
    check: (user: ScimUser) => void,
    call?: RecordedChange,
  ): Promise<readonly OpenedRequest[] | null> {
    return this.writing(call, async (tx, onRecord) => {
      const before = await this.hold(tx, id);
      if (before === null) return null;
      check(before);
      const document = { ...before.document, active: false };
      await tx.$executeRaw`
        UPDATE identity SET scim = ${JSON.stringify(document)}::jsonb, active = false, is_removed = ${policy === 'delete'},
          scim_deleted_at = clock_timestamp(), generation = generation + 1, updated_at = clock_timestamp()
        WHERE id = ${id}::uuid`;
      const left = await tx.$queryRawUnsafe<{ id: string }[]>(leaveGroups, id);
      const groups = await requestsForGroups(
        tx,
        this.tenantId,
        left.map((group) => group.id),
      );
      const requests = [...(await this.requested(tx, id)), ...groups];
      await onRecord(requests[0]?.requestId ?? null, id);
      return requests;
    });
  }

  private async writing<T>(call: RecordedChange | undefined, work: Changing<T>): Promise<T> {
    try {
      return await changing(this.database, this.tenantId, call, work);
    } catch (error) {
      if (sqlStateOf(error) === UNIQUE_VIOLATION) throw taken(takenBy(error));
      throw error;
    }
  }

  private async hold(tx: Transaction, id: string): Promise<ScimUser | null> {
    const rows = await tx.$queryRawUnsafe<Row[]>(
      `SELECT ${columns} FROM ${listed.from} WHERE ${listed.where('$1::uuid')} AND i.id = $2::uuid FOR NO KEY UPDATE OF i`,
      this.tenantId,
      id,
    );
    return rows[0] ? toUser(rows[0]) : null;
  }

  private async revive(
    tx: Transaction,
    { id, rule }: Returning,
    document: Document,
    by: string | null,
  ): Promise<void> {
    const person = toPerson(document);
    const { externalId: subject } = person;
    if (subject !== null) await linkTo(tx, this.tenantId, id, { subject, rule, by });
    await tx.$executeRaw`
      UPDATE identity SET scim = ${JSON.stringify(document)}::jsonb, scim_deleted_at = NULL, is_removed = false, shares_user_name = false,
        subject = coalesce(${person.externalId}, subject),
        username = ${person.userName}, email = ${person.email}, name = ${person.name}, active = ${person.active},
        box_profile = ${JSON.stringify(person.profile)}::jsonb, generation = generation + 1, updated_at = clock_timestamp()
      WHERE id = ${id}::uuid`;
  }

  /** An id that a sign-in brought for somebody else moves to the new person. */
  private async insert(
    tx: Transaction,
    subject: string,
    document: Document,
    by: string | null,
  ): Promise<string> {
    const person = toPerson(document);
    const values = [person.userName, person.email, person.name, person.active, JSON.stringify(document)];
    const [row] = await tx.$queryRawUnsafe<{ id: string }[]>(
      insertLinked,
      ...[this.tenantId, this.issuer, subject, ...values, JSON.stringify(person.profile), by],
    );
    return row!.id;
  }

  private async requested(tx: Transaction, id: string): Promise<readonly OpenedRequest[]> {
    const [row] = await tx.$queryRaw<{ generation: number }[]>`
      SELECT generation FROM identity WHERE id = ${id}::uuid`;
    return [await requestFor(tx, this.tenantId, { identityId: id, generation: row!.generation }, 'scim')];
  }

  /** Opens the requests, including those of groups that waited for the person, and reads the person's new state. */
  private async written(tx: Transaction, id: string): Promise<Written<ScimUser>> {
    const person = await this.requested(tx, id);
    const joined = await tx.$queryRaw<{ id: string }[]>`
      SELECT DISTINCT j AS id FROM identity i, join_parked_members(i) j WHERE i.id = ${id}::uuid`;
    const groups = await requestsForGroups(
      tx,
      this.tenantId,
      joined.map((group) => group.id),
    );
    return { resource: (await this.hold(tx, id))!, requests: [...person, ...groups] };
  }
}

/** Who asks for a change; null when its call is recorded elsewhere. */
const actorOf = (call: RecordedChange | undefined): string | null => call?.intent().actor ?? null;

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
