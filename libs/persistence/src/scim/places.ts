import { groupType, PROVISIONING_URN, STAND_IN } from '@foyer/scim';
import { isInStep } from '../box-accounts/in-step.ts';
import { isId } from '@foyer/shared';
import { inJson, type Parameters, type Place, type Places } from './filter-sql.ts';
import { idInStandIn, isNameKey, shownName } from './users/user-names.ts';

/** Where the attributes of people and groups are: an attribute with a column is never read from the document. */

const text = (sql: string) => ({ kind: 'text' as const, sql });
const time = (sql: string): Place => ({ kind: 'time', sql });

/** A value that is not an id matches nothing, and ids are case-exact (RFC 7643, section 3.1). */
const idEquals = (column: string) => (value: string | number | boolean, parameters: Parameters) =>
  typeof value === 'string' && isId(value) && value === value.toLowerCase()
    ? `${column} = ${parameters.add(value)}::uuid`
    : 'false';

const id = (column: string): Place => ({ kind: 'text', sql: `${column}::text`, equals: idEquals(column) });

const from =
  (known: Readonly<Record<string, Place>>, otherwise: Places = () => null): Places =>
  (key) =>
    Object.hasOwn(known, key) ? known[key]! : otherwise(key);

const jsonList = (urns: readonly string[]): string =>
  `jsonb_build_array(${urns.map((urn) => `'${urn}'`).join(', ')})`;

/**
 * Why Box does not have a member (yet); null when it has. Arguments: a row of scim_group_member, and its Box account,
 * if any.
 */
export const waits = (member: string, account: string): string => `CASE
  WHEN ${member}.identity_id IS NULL THEN 'unknown' WHEN ${member}.box_membership_id IS NOT NULL THEN NULL
  WHEN ${member}.trouble IS NOT NULL THEN 'refused' WHEN ${account}.box_user_id IS NULL THEN 'not-in-box'
  ELSE 'queued' END`;

/** Only the version is compared, because the rest of an ETag is not stored. */
const versionEquals = (column: string) => (value: string | number | boolean, parameters: Parameters) => {
  const [, version] = /^W\/"(\d{1,9})(?:\.[\w-]+)?"$/.exec(String(value)) ?? [];
  return version === undefined ? 'false' : `${column} = ${parameters.add(Number(version))}`;
};

const meta = (type: 'User' | 'Group', row: string, version: string): Place => ({
  kind: 'parts',
  child: from({
    resourceType: text(`'${type}'`),
    created: time(`${row}.created_at`),
    lastModified: time(`${row}.updated_at`),
    version: { ...text(`'W/"' || ${row}.${version} || '"'`), equals: versionEquals(`${row}.${version}`) },
  }),
});

const provisioning = (boxId: string, inStep: string, more: Readonly<Record<string, Place>> = {}): Place => ({
  kind: 'parts',
  child: from({ boxId: text(boxId), inStep: { kind: 'boolean', sql: inStep }, ...more }),
});

/** A stand-in subject is not an external id. The comparison is one that the index supports. */
const externalId: Place = {
  kind: 'text',
  sql: `CASE WHEN i.subject NOT LIKE '${STAND_IN}%' THEN i.subject END`,
  equals: (value, parameters) =>
    typeof value === 'string' && !value.startsWith(STAND_IN)
      ? `i.subject = ${parameters.add(value)}`
      : 'false',
};

/** A user name that a sign-in claimed matches nothing; the comparison is one that the index supports. */
const userName: Place = {
  kind: 'text',
  sql: `(${shownName('i')})`,
  equals: (value, parameters) => {
    const name = parameters.add(value);
    const named = `(scim_user_name(i.username) = scim_user_name(${name}::text) AND ${isNameKey('i')})`;
    const id = typeof value === 'string' ? idInStandIn(value) : null;
    return id === null
      ? named
      : `(${named} OR (i.id = ${parameters.add(id)}::uuid AND NOT ${isNameKey('i')}))`;
  },
};

/** An address that a sign-in claimed is not shown, so that no directory links a person by it. */
export const isEmailClaimed = (row: string): string =>
  `(${row}.scim IS NULL AND ${row}.email_source = 'claimed')`;

/** Over `identity i LEFT JOIN box_account a`. */
export const userPlaces: Places = from(
  {
    schemas: {
      kind: 'json',
      sql: `((scim_document(i) -> 'schemas') || ${jsonList([PROVISIONING_URN])})`,
    },
    id: id('i.id'),
    externalId,
    userName,
    emails: {
      kind: 'json',
      sql: `(CASE WHEN NOT ${isEmailClaimed('i')} THEN scim_document(i) -> 'emails' END)`,
    },
    active: { kind: 'boolean', sql: 'i.active' },
    meta: meta('User', 'i', 'generation'),
    groups: {
      kind: 'rows',
      from: `scim_group_member gm JOIN scim_group gg ON gg.id = gm.group_id
        WHERE gm.identity_id = i.id AND gm.is_wanted AND gg.deleted_at IS NULL`,
      child: from({ value: id('gg.id'), display: text('gg.display_name'), type: text(`'direct'`) }),
    },
    [PROVISIONING_URN]: provisioning('a.box_user_id', isInStep('i', 'a')),
  },
  inJson('scim_document(i)'),
);

/** For a row `m` of scim_group_member: relative to the member. */
export const memberPlaces: Places = from({
  value: text('m.value'),
  display: text('coalesce(m.display, (SELECT mi.username FROM identity mi WHERE mi.id = m.identity_id))'),
  type: text(`coalesce(m.type, 'User')`),
});

/** Over `scim_group g`. */
export const groupPlaces: Places = from({
  schemas: { kind: 'json', sql: jsonList([groupType.schema.id, PROVISIONING_URN]) },
  id: id('g.id'),
  displayName: text('g.display_name'),
  externalId: text('g.external_id'),
  meta: meta('Group', 'g', 'version'),
  members: {
    kind: 'rows',
    from: 'scim_group_member m WHERE m.group_id = g.id AND m.is_wanted',
    child: memberPlaces,
  },
  [PROVISIONING_URN]: provisioning('g.box_group_id', '(g.applied_generation = g.generation)', {
    waitingMembers: {
      kind: 'rows',
      from: `scim_group_member w
        LEFT JOIN box_account wa ON wa.identity_id = w.identity_id AND wa.missing_since IS NULL
        WHERE w.group_id = g.id AND w.is_wanted AND (${waits('w', 'wa')}) IS NOT NULL`,
      child: from({ value: text('w.value'), reason: text(`(${waits('w', 'wa')})`) }),
    },
  }),
});
