import { randomUUID } from 'node:crypto';
import type { LinkRule } from '@foyer/directory';
import type { RecordedChange } from '@foyer/provisioning';
import { STAND_IN, toPerson, type Document, type ListQuery } from '@foyer/scim';
import { ENQUEUE_GRACE_MS } from '@foyer/shared';
import { runChange } from '../call-log/call-log.ts';
import { changing, type Changing } from '../call-log/change-record.ts';
import type { Database } from '../database/database.ts';
import { requestFor, type OpenedRequest } from '../requests/new-request.ts';
import { linkMade, linkTo } from '../identities/links.ts';
import { run } from '../database/statement.ts';
import { sqlStateOf, UNIQUE_VIOLATION, type Transaction } from '../database/transaction.ts';
import { readPage, type ScimPage } from './listing.ts';
import { requestsForGroups, takeOut } from './group-members.ts';
import { taken, takenBy } from './taken.ts';
import type { ReadUser, ScimUser, Written } from './user.ts';
import { insertUser, toNewUser, type NewRow, type NewUserValues } from './user-insert.ts';
import { claimName, findReturning, makeWay } from './user-roads.ts';
import { columns, listed, readUser, toReadUser, toUser, type Row } from './user-rows.ts';
import { writeAlone } from './user-reminder.ts';
import { isDone, stepOf } from './user-update.ts';

/** What happens to the Box user when the resource is deleted. */
export type DeletePolicy = 'deactivate' | 'delete';

/** How often a change is decided again because the person was changed meanwhile, before it is made under their row's lock. */
const FREE_TRIES = 4;

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
    return (await this.read(id))?.user ?? null;
  }

  private async read(id: string): Promise<ReadUser | null> {
    const [row] = await run<Row>(this.database, readUser, { tenant: this.tenantId, id });
    return row ? toReadUser(row) : null;
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
      grace_ms: ENQUEUE_GRACE_MS,
    };
    const made = await this.insertAlone(values, call);
    if (made) {
      call?.committed();
      return toNewUser(made, document);
    }
    return this.writing(call, async (tx, onRecord) => {
      const decision = await findReturning(tx, this.tenantId, this.issuer, person);
      if (decision.kind === 'conflict') throw taken(decision.keys);
      const back = decision.kind === 'returning' ? decision : null;
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
      const [made] = await runChange<NewRow, keyof NewUserValues>(this.database, insertUser, values, call);
      return made ?? null;
    } catch (error) {
      // Somebody else got the id at the same moment.
      if (sqlStateOf(error) === UNIQUE_VIOLATION) return null;
      throw error;
    }
  }

  /**
   * Changes a person: reads, decides, and writes if the person is still as read; otherwise all again. `change` receives
   * the current resource and returns the whole new one; it may be called again, and may throw ScimError. `check` is
   * called with the resource first. Null when the person does not exist.
   */
  async update(
    id: string,
    check: (user: ScimUser) => void,
    change: (document: Document) => Document,
    call?: RecordedChange,
  ): Promise<Written<ScimUser> | null> {
    let generation = 0;
    for (let tries = 0; tries < FREE_TRIES; tries++) {
      const before = await this.read(id);
      if (before === null) return null;
      // Refused although nobody has changed the person: their open request ended, or one was opened.
      if (before.user.generation === generation) break;
      generation = before.user.generation;
      check(before.user);
      const step = stepOf(before, change(before.user.document));
      if (step.kind === 'none') return { resource: before.user, requests: [] };
      if (step.kind === 'locked') break;
      const written = await writeAlone(this.database, this.tenantId, before, step, call);
      if (written !== null) return written;
    }
    return this.updateLocked(id, check, change, call);
  }

  /** As `update`, deciding while the person's row is locked: for changes that touch other people or groups, too. */
  private async updateLocked(
    id: string,
    check: (user: ScimUser) => void,
    change: (document: Document) => Document,
    call: RecordedChange | undefined,
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
    return isDone(user) ? { resource: user, requests: [] } : this.written(tx, user.id);
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
    { id, rule }: { readonly id: string; readonly rule: LinkRule },
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

  /** An id that a sign-in brought for another person moves to the new person. */
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
