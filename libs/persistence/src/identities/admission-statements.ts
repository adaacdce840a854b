import type { AdmissionState, LinkRule, NameSource } from '@foyer/directory';
import { isBehind } from '../box-accounts/in-step.ts';
import { recordable } from '../call-log/call-log.ts';
import { setStatement, statement } from '../database/statement.ts';
import { openOrFollow, openRequests, requestColumns } from '../requests/open-requests.ts';
import { isByMerge, isLinkOf, linkMade, ruleText } from './links.ts';
import { isNamesake, isUserNameTaken } from './name-sources.ts';

/** The statements of the intake: one reads what the decision needs, and one writes it, if all is still as read. */

const of = {
  tenant: '$tenant::uuid',
  issuer: '$issuer::text',
  subject: '$subject::text',
  username: '$username::text',
};
const isTheLink = isLinkOf({ tenant: of.tenant, directory: of.issuer, subject: of.subject });
const namesake = isNamesake(of);

export interface AdmissionRow {
  readonly id: string | null;
  readonly active: boolean;
  readonly isManaged: boolean;
  readonly generation: number;
  readonly sessionEpoch: number;
  readonly username: string;
  readonly email: string | null;
  readonly name: string;
  readonly givenName: string | null;
  readonly familyName: string | null;
  readonly usernameSource: NameSource;
  readonly emailSource: NameSource;
  readonly boxUserId: string | null;
  readonly appliedGeneration: number | null;
  readonly isMissing: boolean;
  readonly isOwnLink: boolean;
  readonly isByMerge: boolean;
  readonly isSameUserName: boolean;
  readonly namesakeId: string | null;
  readonly isUserNameTaken: boolean;
  readonly isReleased: boolean;
}

type Key = 'tenant' | 'issuer' | 'subject' | 'username';

type KeySql = { readonly [column in Key]: string };

/** Reads what the decision needs, for each row of `from`; `id` is null when the id of `key` leads to nobody. */
const reading = (key: KeySql, doubts: string, from: string): string =>
  `SELECT i.id, i.active, i.scim IS NOT NULL AS "isManaged", i.generation, i.session_epoch AS "sessionEpoch",
    i.username, i.email, i.name, i.given_name AS "givenName", i.family_name AS "familyName",
    i.username_source AS "usernameSource", i.email_source AS "emailSource", a.box_user_id AS "boxUserId",
    a.applied_generation AS "appliedGeneration", a.missing_since IS NOT NULL AS "isMissing",
    i.subject = l.subject AS "isOwnLink", ${isUserNameTaken(key)} AS "isUserNameTaken", ${doubts}
  FROM ${from} LEFT JOIN identity_link l
      ON ${isLinkOf({ tenant: key.tenant, directory: key.issuer, subject: key.subject })}
    LEFT JOIN identity i ON i.id = l.identity_id LEFT JOIN box_account a ON a.identity_id = i.id`;

/** Whether a sign-in may be somebody else than the id or the user name says. */
const doubtsOf = (key: KeySql): string =>
  `l.rule = ${ruleText('operator_merge')} OR ${isByMerge('i', 'i.subject')} AS "isByMerge",
    scim_user_name(i.username) = scim_user_name(${key.username}) AS "isSameUserName",
    (SELECT o.id FROM identity o WHERE ${isNamesake(key)} AND o.id IS DISTINCT FROM i.id
     ORDER BY o.updated_at DESC LIMIT 1) AS "namesakeId",
    EXISTS (SELECT FROM held_sign_in h WHERE h.tenant_id = ${key.tenant} AND h.issuer = ${key.issuer}
      AND h.subject = ${key.subject} AND h.released_at IS NOT NULL) AS "isReleased"`;

/** Nobody doubts a push. */
const noDoubts = `false AS "isByMerge", true AS "isSameUserName", NULL::uuid AS "namesakeId", false AS "isReleased"`;

/** Always one row. */
export const readAdmission = statement<Key>('admission', reading(of, doubtsOf(of), '(SELECT 1) AS one'));

/** For pushes only: one row for each person of `$issuers`, `$subjects` and `$usernames`, in their order. */
export const readPushes = setStatement<'tenant' | 'issuers' | 'subjects' | 'usernames'>(
  'pushes',
  `${reading(
    { tenant: of.tenant, issuer: 'p.issuer', subject: 'p.subject', username: 'p.username' },
    noDoubts,
    `unnest($issuers::text[], $subjects::text[], $usernames::text[]) WITH ORDINALITY AS p (issuer, subject, username, at)`,
  )} ORDER BY p.at`,
);

/** The state of a row, for the decision. */
export const toState = (row: AdmissionRow): AdmissionState => ({
  known: row.id === null ? null : toKnown(row, row.id),
  namesakeId: row.namesakeId,
  isUserNameTaken: row.isUserNameTaken,
  isReleased: row.isReleased,
});

const toKnown = (row: AdmissionRow, id: string): AdmissionState['known'] => ({
  id,
  isActive: row.active,
  isManaged: row.isManaged,
  generation: row.generation,
  names: {
    ...{ username: row.username, email: row.email, name: row.name },
    ...{ givenName: row.givenName, familyName: row.familyName },
    sources: { username: row.usernameSource, email: row.emailSource },
  },
  applied:
    row.appliedGeneration === null
      ? null
      : { appliedGeneration: row.appliedGeneration, isMissing: row.isMissing },
  link: { isOwn: row.isOwnLink, isByMerge: row.isByMerge, isSameUserName: row.isSameUserName },
});

/** Keeps the client's key with the request, where there is one; a second use of it is a unique violation. */
const keyKept = `kept_key AS (
    INSERT INTO idempotency_key (tenant_id, client, key, body_hash, request_id)
    SELECT ${of.tenant}, $client::text, $key::text, $body_hash::text, request.id FROM request WHERE $key::text IS NOT NULL
  )`;
type KeyValue = 'client' | 'key' | 'body_hash';

const opening = {
  of: 'identity',
  ...{ tenant: of.tenant, cause: '$cause::text', priority: '$priority::int', graceMs: '$grace_ms::float8' },
} as const;
type OpeningValue = 'cause' | 'priority' | 'grace_ms';

type NamesValue = 'email' | 'name' | 'username_source' | 'email_source' | 'given_name' | 'family_name';
const mayHaveSource = `($username_source::text = 'claimed' OR NOT ${isUserNameTaken(of)})`;

/** A new person. No row: somebody else has or gets the id, or a fact of the decision has changed. */
const add = (where: string, rule: LinkRule, mayMove: boolean) => (more: string) => `WITH made AS (
    INSERT INTO identity (tenant_id, issuer, subject, username, email, name, username_source, email_source, given_name,
      family_name)
    SELECT ${of.tenant}, ${of.issuer}, ${of.subject}, ${of.username}, $email::text, $name::text, $username_source::text,
      $email_source::text, $given_name::text, $family_name::text
    WHERE ${mayHaveSource} AND ${where}
    ON CONFLICT (tenant_id, issuer, subject) DO NOTHING
    RETURNING id, tenant_id, issuer, subject, generation, session_epoch
  ), ${linkMade(rule, '$by::text', { mayMove })}, ${openRequests({ ...opening, from: 'made' })}, ${keyKept}${more}
  SELECT made.id, made.session_epoch AS "sessionEpoch", request.id AS "requestId" FROM made, request`;
export type AddValue = Key | NamesValue | OpeningValue | KeyValue | 'by';
const added = { from: 'made, request', request: 'request.id', identity: 'made.id' };

/** `may_meet_namesake`: 0 for a sign-in that an operator has to decide about when there is a namesake. */
export const addPerson = recordable<AddValue | 'may_meet_namesake'>(
  'add-person',
  add(
    `($may_meet_namesake::int = 1 OR NOT EXISTS (SELECT FROM identity o WHERE ${namesake}))`,
    'same_subject',
    false,
  ),
  added,
);

/** The id leads to the new person from now on, because an operator decided that it is not the other's. */
export const splitPerson = recordable<AddValue | 'from'>(
  'split-person',
  add(
    `EXISTS (SELECT FROM identity_link l WHERE ${isTheLink} AND l.identity_id = $from::uuid)`,
    'operator_release',
    true,
  ),
  added,
);

/** Whether row `i` is as it was read. Each move of a link and each deactivation ends its sessions. */
const isAsRead = `i.id = $id::uuid AND i.tenant_id = ${of.tenant} AND i.active
      AND i.generation = $generation::int AND i.session_epoch = $session_epoch::int`;
type AsRead = 'id' | 'tenant' | 'generation' | 'session_epoch';

/** No row: the person has changed since they were read. */
export type ChangeValue =
  | AsRead
  | 'subject'
  | 'username'
  | NamesValue
  | 'known_username_source'
  | 'known_email_source'
  | 'is_new_generation'
  | 'needs_request'
  | OpeningValue
  | KeyValue;
export const changePerson = recordable<ChangeValue>(
  'change-person',
  (more) => `WITH changed AS (
    UPDATE identity i SET username = ${of.username}, email = $email::text, name = $name::text,
      username_source = $username_source::text, email_source = $email_source::text,
      given_name = $given_name::text, family_name = $family_name::text,
      generation = i.generation + $is_new_generation::int,
      updated_at = CASE $is_new_generation::int WHEN 0 THEN i.updated_at ELSE clock_timestamp() END
    WHERE ${isAsRead} AND i.scim IS NULL AND i.username_source = $known_username_source::text
      AND i.email_source = $known_email_source::text AND ${mayHaveSource}
      AND ($needs_request::int = $is_new_generation::int OR ${isBehind('i')})
    RETURNING i.id, i.generation
  ), behind AS (SELECT id, generation FROM changed WHERE $needs_request::int = 1),
  ${openOrFollow('behind', opening)}, ${keyKept}${more}
  SELECT changed.id, ${requestColumns} FROM changed LEFT JOIN request ON true`,
  { from: 'request', request: 'request.id', identity: '$id::uuid' },
);

/** No row: the person or their requests have changed since they were read. */
export type FollowValue = AsRead | OpeningValue | KeyValue;
export const followPerson = recordable<FollowValue>(
  'follow-person',
  (more) => `WITH held AS (
    SELECT i.id, i.generation FROM identity i WHERE ${isAsRead} AND ${isBehind('i')} FOR NO KEY UPDATE OF i
  ), ${openOrFollow('held', opening)}, ${keyKept}${more}
  SELECT $id::uuid AS id, ${requestColumns} FROM request`,
  { from: 'request', request: 'request.id', identity: '$id::uuid' },
);

/** The request that a client's key led to before. */
export interface KeptKeyRow {
  readonly bodyHash: string;
  readonly requestId: string;
  readonly id: string;
  readonly name: string;
  readonly username: string;
  readonly sessionEpoch: number;
  readonly boxUserId: string | null;
}
export const readKey = statement<'tenant' | 'client' | 'key'>(
  'admission-key',
  `SELECT k.body_hash AS "bodyHash", k.request_id AS "requestId", i.id, i.name, i.username,
     i.session_epoch AS "sessionEpoch", a.box_user_id AS "boxUserId"
   FROM idempotency_key k JOIN provisioning_request r ON r.id = k.request_id JOIN identity i ON i.id = r.identity_id
     LEFT JOIN box_account a ON a.identity_id = i.id
   WHERE k.tenant_id = $tenant::uuid AND k.client = $client AND k.key = $key`,
);

/** Keeps the key with the newest request of a person for whom nothing is to do, if they have one. */
export const keepKey = statement<'tenant' | 'id' | KeyValue>(
  'admission-keep-key',
  `WITH newest AS (
    SELECT r.id FROM provisioning_request r WHERE r.tenant_id = $tenant::uuid AND r.identity_id = $id::uuid
    ORDER BY r.created_at DESC, r.id DESC LIMIT 1
  ), kept AS (
    INSERT INTO idempotency_key (tenant_id, client, key, body_hash, request_id)
    SELECT $tenant::uuid, $client, $key, $body_hash, newest.id FROM newest ON CONFLICT DO NOTHING RETURNING request_id
  ) SELECT newest.id AS "newestRequestId", EXISTS (SELECT FROM kept) AS "isKept" FROM newest`,
);
