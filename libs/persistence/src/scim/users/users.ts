import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { decideResourceChange, KeyConflict, type ResourceChange } from '@foyer/directory';
import type { RecordedChange } from '@foyer/provisioning';
import { STAND_IN, toPerson, type Document, type ListQuery, type ScimPerson } from '@foyer/scim';
import { ENQUEUE_GRACE_MS, FoyerError } from '@foyer/shared';
import { runChange } from '../../call-log/call-log.ts';
import { changing, type OnRecord } from '../../call-log/change-record.ts';
import type { Database } from '../../database/database.ts';
import type { OpenedRequest } from '../../requests/new-request.ts';
import { run } from '../../database/statement.ts';
import { sqlStateOf, UNIQUE_VIOLATION, type Transaction } from '../../database/transaction.ts';
import { readPage, type ScimPage } from '../listing.ts';
import { userConflict } from '../taken.ts';
import type { ReadUser, ScimUser, Written } from './user.ts';
import { insertUser, toNewUser, type NewRow, type NewUserValues } from './user-insert.ts';
import { findReturning } from './user-keys.ts';
import { columns, listed, readUser, toReadUser, toUser, type Row } from './user-rows.ts';
import { remindAlone } from './user-reminder.ts';
import { changeAlone } from './user-change.ts';
import { UserTransaction, type DeletePolicy } from './user-transaction.ts';

/** How often a write is decided again because the person was changed meanwhile. */
const TRIES = 50;

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

  /** Creates a new person, or revives one who returns; see `decideReturning`. Throws KeyConflict. */
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
    return this.writing(call, { person, self: null }, async (writes, onRecord, tx) => {
      const decision = await findReturning(tx, this.tenantId, this.issuer, person);
      if (decision.kind === 'conflict')
        throw new KeyConflict('user', { keys: decision.keys, self: null, holder: decision.with });
      if (decision.kind === 'returning') await writes.revive(decision, document);
      const id =
        decision.kind === 'returning' ? decision.id : await writes.insert(this.issuer, subject, document);
      const written = await writes.written(id);
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
   * the resource as read and returns the whole new one; it may be called again, and what it throws ends the update.
   * Null when the person does not exist. Throws KeyConflict.
   */
  async update(
    id: string,
    change: (user: ScimUser) => Document,
    call?: RecordedChange,
  ): Promise<Written<ScimUser> | null> {
    return this.whileMoving(id, (before) => {
      const document = toJson(change(before.user));
      return this.write(before, document, decide(before, document), call);
    });
  }

  /**
   * Null when the person does not exist. The person is always deactivated; with `delete` the Box user is deleted, too.
   * `check` gets the person as read; it may be called again, and what it throws ends the removal.
   */
  async remove(
    id: string,
    policy: DeletePolicy,
    check: (user: ScimUser) => void,
    call?: RecordedChange,
  ): Promise<readonly OpenedRequest[] | null> {
    return this.whileMoving(id, async ({ user }) => {
      check(user);
      return this.writing(call, { person: toPerson(user.document), self: id }, async (writes, onRecord) => {
        if (!(await writes.holdAsRead(user))) return null;
        const requests = await writes.end(user, policy);
        await onRecord(requests[0]?.requestId ?? null, id);
        return requests;
      });
    });
  }

  /** Reads and writes until the person is as read when they are written. Null when they do not exist. */
  private async whileMoving<T>(
    id: string,
    write: (before: ReadUser) => Promise<T | null>,
  ): Promise<T | null> {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const before = await this.read(id);
      if (before === null) return null;
      const written = await write(before);
      if (written !== null) return written;
    }
    throw new FoyerError('unavailable', 'The person is being changed by too many calls at once.');
  }

  /** Null when the person is not as read any more. */
  private async write(
    before: ReadUser,
    document: Document,
    change: ResourceChange,
    call: RecordedChange | undefined,
  ): Promise<Written<ScimUser> | null> {
    const { user } = before;
    if (change.kind === 'none') return { resource: user, requests: [] };
    if (change.kind === 'follow') return remindAlone(this.database, this.tenantId, before, call);
    if (change.kind === 'change') return changeAlone(this.database, this.tenantId, before, document, call);
    return this.writing(call, { person: toPerson(document), self: user.id }, async (writes, onRecord) => {
      if (!(await writes.holdAsRead(user))) return null;
      const others = await writes.claim(user, document, change);
      const written = await writes.written(user.id);
      await onRecord(written.requests[0]!.requestId, user.id);
      return { ...written, requests: [...written.requests, ...others] };
    });
  }

  /** One transaction with its record. Throws KeyConflict when another call gives the keys at the same moment. */
  private async writing<T>(
    call: RecordedChange | undefined,
    { person, self }: { readonly person: ScimPerson; readonly self: string | null },
    work: (writes: UserTransaction, onRecord: OnRecord, tx: Transaction) => Promise<T>,
  ): Promise<T> {
    const by = actorOf(call);
    try {
      return await changing(this.database, this.tenantId, call, (tx, onRecord) =>
        work(new UserTransaction(tx, this.tenantId, by), onRecord, tx),
      );
    } catch (error) {
      const keys = { issuer: this.issuer, ...person };
      throw await userConflict(this.database, this.tenantId, error, keys, self);
    }
  }
}

/** Who asks for a change; null when its call is recorded elsewhere. */
const actorOf = (call: RecordedChange | undefined): string | null => call?.intent().actor ?? null;

/** What JSON leaves out is not stored. */
const toJson = (document: Document): Document => JSON.parse(JSON.stringify(document)) as Document;

function decide({ user, stored, isManaged }: ReadUser, document: Document): ResourceChange {
  const { userName, externalId } = user.document;
  return decideResourceChange(
    { isManaged, userName, externalId, isDone: isDone(user) },
    { ...toPerson(document), isSame: isDeepStrictEqual(document, stored) },
  );
}

/** Whether Box has, or needs, nothing more of the person. */
const isDone = ({ inStep, boxUserId, document }: ScimUser): boolean =>
  inStep || (boxUserId === null && document['active'] === false);
