import {
  decideAdmission,
  nameSources,
  type AdmissionDecision,
  type Names,
  type NameSources,
} from '@foyer/directory';
import type { RecordedChange } from '@foyer/provisioning';
import {
  ENQUEUE_GRACE_MS,
  FoyerError,
  priorityOf,
  type NameParts,
  type Person,
  type RequestCause,
} from '@foyer/shared';
import { runChange } from '../call-log/call-log.ts';
import type { Database } from '../database/database.ts';
import { run } from '../database/statement.ts';
import { sqlStateOf, UNIQUE_VIOLATION } from '../database/transaction.ts';
import { personWork, type OpenedRequest } from '../requests/new-request.ts';
import type { RequestRow } from '../requests/open-requests.ts';
import { retryRequest, type RetryAdmission } from '../requests/retry-request.ts';
import * as sql from './admission-statements.ts';
import { holdSignIn } from './held-sign-ins.ts';

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

/** How often an intake is decided again because another one changed what the decision was about. */
const TRIES = 50;

/** One intake: who comes, why, and which call asked for it. */
interface Arrival {
  readonly person: Person & NameParts;
  readonly cause: RequestCause;
  readonly sources: NameSources;
  readonly claim: IdempotencyClaim | undefined;
  readonly call: RecordedChange | undefined;
}

/** Admits people: reads what is known, decides, and writes the identity and its request if all is still as read. */
export class Intake {
  private readonly database: Database;
  private readonly tenantId: string;

  constructor(database: Database, tenantId: string) {
    this.database = database;
    this.tenantId = tenantId;
  }

  /**
   * A known, unchanged, mapped identity costs one SELECT and opens no request; everybody else costs one more statement,
   * which writes the change, its request, the client's key and the record of the call, or nothing.
   */
  async admit(
    person: Person & NameParts,
    cause: RequestCause,
    claim?: IdempotencyClaim,
    call?: RecordedChange,
    { isEmailVerified }: Vouched = { isEmailVerified: false },
  ): Promise<Admission> {
    const arrival = { person, cause, claim, call, sources: nameSources(person, cause, isEmailVerified) };
    for (let tries = 0; tries < TRIES; tries += 1) {
      const admission = await this.admitOnce(arrival);
      if (admission !== null) return admission;
    }
    throw new FoyerError('unavailable', 'The person is being changed by too many calls at once.');
  }

  /** A new request in place of a failed one, recorded as `change`. */
  retry(
    requestId: string,
    scope: { identityId?: string } = {},
    change?: RecordedChange,
  ): Promise<RetryAdmission> {
    return retryRequest(this.database, this.tenantId, { requestId, ...scope }, change);
  }

  /** Null when another transaction changed what the decision was about. */
  private async admitOnce(arrival: Arrival): Promise<Admission | null> {
    const { person, cause, sources, claim } = arrival;
    const earlier = claim && (await this.earlier(claim));
    if (earlier) return earlier;
    const { issuer, subject, username } = person;
    const key = { tenant: this.tenantId, issuer, subject, username };
    const [row] = await run<sql.AdmissionRow>(this.database, sql.readAdmission, key);
    const kind = cause === 'sign-in' ? 'sign-in' : 'push';
    const decision = decideAdmission(sql.toState(row!), { kind, person, sources });
    if (decision.kind === 'deactivated') return decision;
    if (decision.kind === 'hold') {
      const isHeld = await holdSignIn(this.database, this.tenantId, person, decision.holderId);
      return isHeld ? { kind: 'held', identityId: decision.holderId } : null;
    }
    if (decision.kind === 'in-step') return this.inStep(row!, claim);
    return this.write(arrival, row!, decision);
  }

  private async earlier({ client, key, bodyHash }: IdempotencyClaim): Promise<Admission | null> {
    const values = { tenant: this.tenantId, client, key };
    const [kept] = await run<sql.KeptKeyRow>(this.database, sql.readKey, values);
    if (kept === undefined) return null;
    if (kept.bodyHash !== bodyHash) return { kind: 'key-reused' };
    const request = { requestId: kept.requestId, isNew: false, wasPromoted: false };
    return { kind: 'requested', identity: identityOf(kept), ...personWork('api'), ...request };
  }

  private async inStep(
    row: sql.AdmissionRow,
    claim: IdempotencyClaim | undefined,
  ): Promise<Admission | null> {
    const identity = identityOf({ ...row, id: row.id! });
    if (claim === undefined) return { kind: 'in-step', identity, newestRequestId: null };
    const values = { tenant: this.tenantId, id: identity.id, ...keyValues(claim) };
    const [newest] = await run<{ newestRequestId: string; isKept: boolean }>(
      this.database,
      sql.keepKey,
      values,
    );
    if (newest?.isKept === false) return null;
    return { kind: 'in-step', identity, newestRequestId: newest?.newestRequestId ?? null };
  }

  private async write(
    arrival: Arrival,
    row: sql.AdmissionRow,
    decision: Extract<AdmissionDecision, { kind: 'add' | 'change' | 'follow' }>,
  ): Promise<Admission | null> {
    try {
      if (decision.kind === 'add') return await this.add(arrival, row, decision);
      return await this.change(arrival, row, decision);
    } catch (error) {
      // The id, or the client's key, was used by another call at the same moment.
      if (sqlStateOf(error) === UNIQUE_VIOLATION) return null;
      throw error;
    }
  }

  private async add(
    arrival: Arrival,
    { isReleased }: sql.AdmissionRow,
    { names, from }: Extract<AdmissionDecision, { kind: 'add' }>,
  ): Promise<Admission | null> {
    const { person, cause, call } = arrival;
    const mayMeetNamesake = cause !== 'sign-in' || isReleased;
    const values = {
      ...this.opening(arrival),
      ...{ issuer: person.issuer, subject: person.subject, ...nameValues(names) },
      ...{ by: call?.intent().actor ?? cause, from, may_meet_namesake: mayMeetNamesake ? 1 : 0 },
    };
    const [made] = await runChange<
      { id: string; sessionEpoch: number; requestId: string },
      keyof typeof values
    >(this.database, from === null ? sql.addPerson : sql.splitPerson, values, call);
    if (made === undefined) return null;
    call?.committed();
    const { id, sessionEpoch, requestId } = made;
    const identity = { id, name: names.name, username: names.username, boxUserId: null, sessionEpoch };
    return { kind: 'requested', identity, ...personWork(cause), requestId, isNew: true, wasPromoted: false };
  }

  private async change(
    arrival: Arrival,
    row: sql.AdmissionRow,
    decision: Extract<AdmissionDecision, { kind: 'change' | 'follow' }>,
  ): Promise<Admission | null> {
    const { cause, call } = arrival;
    const asRead = {
      ...{ id: row.id, generation: row.generation, session_epoch: row.sessionEpoch },
      ...this.opening(arrival),
    };
    const [written] = await (decision.kind === 'follow'
      ? runChange<WrittenRow, sql.FollowValue>(this.database, sql.followPerson, asRead, call)
      : runChange<WrittenRow, sql.ChangeValue>(
          this.database,
          sql.changePerson,
          {
            ...{ ...asRead, ...nameValues(decision.names), subject: arrival.person.subject },
            ...{ known_username_source: row.usernameSource, known_email_source: row.emailSource },
            is_new_generation: decision.isNewGeneration ? 1 : 0,
            needs_request: decision.needsRequest ? 1 : 0,
          },
          call,
        ));
    if (written === undefined) return null;
    const names = decision.kind === 'change' ? decision.names : row;
    const identity = identityOf({ ...row, id: written.id, name: names.name, username: names.username });
    if (decision.kind === 'change' && !decision.needsRequest)
      return this.inStep({ ...row, name: names.name, username: names.username }, arrival.claim);
    const { requestId, isNew, wasPromoted } = written;
    // The open request ended meanwhile: the change is written, and the next try opens a request for it.
    if (requestId === null) return null;
    call?.committed();
    return { kind: 'requested', identity, ...personWork(cause), requestId, isNew, wasPromoted };
  }

  /** The values for the request, and for the client's key. */
  private opening({ cause, claim }: Arrival) {
    return {
      ...{ tenant: this.tenantId, cause, priority: priorityOf[cause], grace_ms: ENQUEUE_GRACE_MS },
      ...keyValues(claim),
    };
  }
}

/** `requestId` is null when no request was needed, or when the one to follow ended meanwhile. */
type WrittenRow = { readonly id: string } & (
  RequestRow | { readonly requestId: null; isNew: boolean; wasPromoted: boolean }
);

const keyValues = (claim: IdempotencyClaim | undefined) => ({
  client: claim?.client ?? null,
  key: claim?.key ?? null,
  body_hash: claim?.bodyHash ?? null,
});

const nameValues = ({ username, email, name, givenName, familyName, sources }: Names) => ({
  ...{ username, email, name, username_source: sources.username, email_source: sources.email },
  ...{ given_name: givenName, family_name: familyName },
});

const identityOf = ({ id, name, username, boxUserId, sessionEpoch }: AdmittedIdentity): AdmittedIdentity => ({
  ...{ id, name, username, boxUserId, sessionEpoch },
});
