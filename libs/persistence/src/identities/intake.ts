import type { RecordedChange } from '@foyer/provisioning';
import { priorityOf, type NameParts, type Person, type RequestCause } from '@foyer/shared';
import { changing, type Changing } from '../call-log/change-record.ts';
import type { Database } from '../database/database.ts';
import { holdSignIn } from './held-sign-ins.ts';
import { find, retried, splitOff, writeSaid, type IdentityRow } from './intake-statements.ts';
import { nameSources, type NameSources } from './name-sources.ts';
import { newestRequest, requestFor, type OpenedRequest } from '../requests/new-request.ts';
import { UNIQUE_VIOLATION, type Transaction } from '../database/transaction.ts';

/** The fields of an identity that the gateway needs right after intake. */
export interface AdmittedIdentity {
  readonly id: string;
  readonly name: string;
  readonly username: string;
  readonly boxUserId: string | null;
  /** The session epoch for a session that begins now. */
  readonly sessionEpoch: number;
}

/**
 * The result of an intake. `in-step`: mapped and unchanged, nothing to do. `requested`: follow that request; `isNew` is
 * false for an existing request for the same state, and `wasPromoted` is true when that one was moved out of the
 * background lane, because a person now waits for it at a screen.
 */
export type Admission =
  | { readonly kind: 'in-step'; readonly identity: AdmittedIdentity; readonly newestRequestId: string | null }
  | ({ readonly kind: 'requested'; readonly identity: AdmittedIdentity } & OpenedRequest)
  | { readonly kind: 'deactivated'; readonly identityId: string }
  /** `identityId`: the person who has the claimed user name, or to whom the id leads; see `HeldSignIn`. */
  | { readonly kind: 'held'; readonly identityId: string }
  | { readonly kind: 'key-reused' };

/** What the provider vouches for. */
export interface Vouched {
  /** The provider says that the person owns the e-mail address. */
  readonly isEmailVerified: boolean;
}

/** A client's Idempotency-Key and the hash of the request body. */
export interface IdempotencyClaim {
  readonly client: string;
  readonly key: string;
  readonly bodyHash: string;
}

export type RetryAdmission =
  | ({ readonly kind: 'requested' } & OpenedRequest)
  | { readonly kind: 'not-found' }
  | { readonly kind: 'not-failed' }
  | { readonly kind: 'deactivated' };

/** What a write needs to know besides the person. `by`: who says it. */
interface Claiming {
  readonly cause: RequestCause;
  readonly sources: NameSources;
  readonly by: string;
}

/** How often a person is written again whom another transaction makes at the same moment. */
const WRITE_TRIES = 3;

/** The id was given to another person at the same moment: the transaction is repeated, as after a serialization failure. */
class LinkMoved extends Error {
  override readonly name = 'LinkMoved';
  readonly code = '40001';
}

/** Admits people: the identity and the request that converges it are written in one transaction. */
export class Intake {
  private readonly database: Database;
  private readonly tenantId: string;

  constructor(database: Database, tenantId: string) {
    this.database = database;
    this.tenantId = tenantId;
  }

  /**
   * A known, unchanged, mapped identity costs one SELECT and opens no request. A request and its cause are recorded as
   * `change`, in the same transaction.
   */
  async admit(
    person: Person & NameParts,
    cause: RequestCause,
    claim?: IdempotencyClaim,
    change?: RecordedChange,
    { isEmailVerified }: Vouched = { isEmailVerified: false },
  ): Promise<Admission> {
    const sources = nameSources(person, cause, isEmailVerified);
    const mayHold = cause === 'sign-in';
    if (claim === undefined) {
      const known = await this.find(this.database.prisma, person);
      if (known !== null && isInStep(known, person) && hasSources(known, sources)) {
        if (!(mayHold && (known.is_namesake_off || known.is_doubtful))) return inStep(known, null);
      }
    }
    return this.transaction(change, async (tx, onRecord) => {
      const earlier = claim && (await this.earlier(tx, claim));
      if (earlier) return earlier;
      const by = change?.intent().actor ?? cause;
      const admission = await this.admitLocked(tx, person, { cause, sources, by });
      if (claim && 'identity' in admission) await this.remember(tx, claim, admission);
      if (admission.kind === 'requested') await onRecord(admission.requestId, admission.identity.id);
      return admission;
    });
  }

  /**
   * A new request in place of a failed one, recorded as `change`. `deactivated`: the person has no Box user, no create
   * that may have made one, and will get none.
   */
  async retry(
    requestId: string,
    scope: { identityId?: string } = {},
    change?: RecordedChange,
  ): Promise<RetryAdmission> {
    return this.transaction(change, async (tx, onRecord) => {
      const failed = await tx.provisioningRequest.findFirst({
        where: { id: requestId, tenantId: this.tenantId, ...scope },
        select: { status: true, identityId: true, groupId: true },
      });
      if (failed === null) return { kind: 'not-found' };
      if (failed.status !== 'failed') return { kind: 'not-failed' };
      const { identityId, groupId } = failed;
      if (groupId !== null) {
        const [group] = await tx.$queryRaw<{ generation: number }[]>`
          SELECT generation FROM scim_group WHERE id = ${groupId}::uuid FOR NO KEY UPDATE`;
        const about = { groupId, generation: group!.generation };
        const made = await requestFor(tx, this.tenantId, about, 'operator', requestId);
        await onRecord(made.requestId, null);
        return { kind: 'requested', ...made };
      }
      const [identity] = await tx.$queryRawUnsafe<{ mayHave: boolean; generation: number }[]>(
        retried,
        identityId,
      );
      if (!identity!.mayHave) return { kind: 'deactivated' };
      const about = { identityId: identityId!, generation: identity!.generation };
      const made = await requestFor(tx, this.tenantId, about, 'operator', requestId);
      await onRecord(made.requestId, identityId);
      return { kind: 'requested', ...made };
    });
  }

  /**
   * A retry reads the failed request before it locks the identity, so two can collide: the index of open requests
   * catches the second.
   */
  private transaction<T>(change: RecordedChange | undefined, work: Changing<T>): Promise<T> {
    return changing(this.database, this.tenantId, change, work, { alsoOn: [UNIQUE_VIOLATION] });
  }

  private async find(tx: Transaction, person: Person): Promise<IdentityRow | null> {
    const { issuer, subject, username } = person;
    const [row] = await tx.$queryRawUnsafe<IdentityRow[]>(find, this.tenantId, issuer, subject, username);
    return row ?? null;
  }

  /**
   * Locks the identity's row until the transaction ends, so that two concurrent intakes make one identity and one
   * request.
   */
  private async admitLocked(
    tx: Transaction,
    person: Person & NameParts,
    { cause, sources, by }: Claiming,
  ): Promise<Admission> {
    const known = cause === 'sign-in' ? await this.find(tx, person) : null;
    const isDoubtful = known?.active === true && known.is_doubtful;
    if (cause === 'sign-in' && (known === null || known.is_namesake_off || isDoubtful)) {
      const holder =
        known?.active === false
          ? null
          : await holdSignIn(tx, this.tenantId, person, isDoubtful ? known.id : null);
      if (holder !== null) return { kind: 'held', identityId: holder };
    }
    const written = await this.write(tx, person, { sources, by }, isDoubtful ? splitOff : writeSaid);
    const row = (await this.find(tx, person))!;
    if (row.id !== written) throw new LinkMoved();
    if (!row.active) return { kind: 'deactivated', identityId: row.id };
    if (isInStep(row, person))
      return inStep(row, await newestRequest(tx, this.tenantId, { identityId: row.id }));
    const about = { identityId: row.id, generation: row.generation };
    const made = await requestFor(tx, this.tenantId, about, cause);
    return { kind: 'requested', identity: toIdentity(row), ...made };
  }

  /** Returns the identity that was written. */
  private async write(
    tx: Transaction,
    person: Person & NameParts,
    { sources, by }: Pick<Claiming, 'sources' | 'by'>,
    text: string,
  ): Promise<string> {
    const { issuer, subject, username, name, email = null, givenName = null, familyName = null } = person;
    const values = [issuer, subject, username, email, name, sources.username, sources.email];
    const more = [givenName, familyName, by];
    for (let tries = 0; tries < WRITE_TRIES; tries += 1) {
      const [row] = await tx.$queryRawUnsafe<{ id: string }[]>(text, this.tenantId, ...values, ...more);
      if (row) return row.id;
    }
    throw new LinkMoved();
  }

  /** A second use of the key waits here until the first one commits. */
  private async earlier(tx: Transaction, claim: IdempotencyClaim): Promise<Admission | null> {
    await tx.$executeRaw`
      SELECT pg_advisory_xact_lock(hashtextextended(${`${this.tenantId} ${claim.client} ${claim.key}`}, 0))`;
    const [row] = await tx.$queryRaw<(IdentityRow & { body_hash: string; request_id: string })[]>`
      SELECT k.body_hash, k.request_id, i.id, i.name, i.username, i.session_epoch, a.box_user_id
      FROM idempotency_key k
      JOIN provisioning_request r ON r.id = k.request_id
      JOIN identity i ON i.id = r.identity_id
      LEFT JOIN box_account a ON a.identity_id = i.id
      WHERE k.tenant_id = ${this.tenantId}::uuid AND k.client = ${claim.client} AND k.key = ${claim.key}`;
    if (!row) return null;
    if (row.body_hash !== claim.bodyHash) return { kind: 'key-reused' };
    const request = { requestId: row.request_id, isNew: false, wasPromoted: false };
    return {
      kind: 'requested',
      identity: toIdentity(row),
      job: 'converge',
      priority: priorityOf.api,
      ...request,
    };
  }

  private async remember(
    tx: Transaction,
    { client, key, bodyHash }: IdempotencyClaim,
    admission: Extract<Admission, { identity: AdmittedIdentity }>,
  ): Promise<void> {
    const requestId = admission.kind === 'requested' ? admission.requestId : admission.newestRequestId;
    if (requestId === null) return;
    await tx.$executeRaw`
      INSERT INTO idempotency_key (tenant_id, client, key, body_hash, request_id)
      VALUES (${this.tenantId}::uuid, ${client}, ${key}, ${bodyHash}, ${requestId}::uuid)`;
  }
}

const rank: Record<NameSources['username'], number> = { claimed: 0, verified: 1, administered: 2 };

/**
 * Whether the stored sources of the names are at least as good as the new ones. SCIM decides for people that it
 * manages.
 */
const hasSources = (row: IdentityRow, { username, email }: NameSources): boolean =>
  row.managed || (rank[row.username_source] >= rank[username] && rank[row.email_source] >= rank[email]);

const isInStep = (row: IdentityRow, person: Person & NameParts): boolean =>
  row.active &&
  // Each sign-in of a person with a missing Box user asks Box again, because the user may have been restored.
  !row.missing &&
  row.applied_generation === row.generation &&
  // SCIM decides the profile of people that it manages; otherwise two different profiles would overwrite each other
  // without end.
  (row.managed ||
    (row.username === person.username &&
      row.email === (person.email ?? null) &&
      row.name === person.name &&
      hasParts(row, person)));

/** A sign-in without the parts of the name does not change them. */
const hasParts = (row: IdentityRow, { givenName, familyName }: NameParts): boolean =>
  row.given_name === (givenName ?? row.given_name) && row.family_name === (familyName ?? row.family_name);

const toIdentity = (row: IdentityRow): AdmittedIdentity => ({
  id: row.id,
  name: row.name,
  username: row.username,
  boxUserId: row.box_user_id,
  sessionEpoch: row.session_epoch,
});

const inStep = (row: IdentityRow, newestRequestId: string | null): Admission => ({
  kind: 'in-step',
  identity: toIdentity(row),
  newestRequestId,
});
