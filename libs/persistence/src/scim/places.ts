import { PROVISIONING_URN } from '@foyer/scim';
import { inJson, type Parameters, type Place, type Places } from './filter-sql.ts';

/** Where the attributes of people and groups are: what has a column is never looked for in the document. */

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const text = (sql: string): Place => ({ kind: 'text', sql });
const time = (sql: string): Place => ({ kind: 'time', sql });
const nothing = text('NULL::text');

/** What is no id is nobody's. */
const idEquals = (column: string) => (value: unknown, parameters: Parameters) =>
  typeof value === 'string' && UUID.test(value) ? `${column} = ${parameters.add(value)}::uuid` : 'false';

const id = (column: string): Place => ({ kind: 'text', sql: `${column}::text`, equals: idEquals(column) });

const from =
  (known: Readonly<Record<string, Place>>, otherwise: Places = () => nothing): Places =>
  (key) =>
    Object.hasOwn(known, key) ? known[key]! : otherwise(key);

const meta = (type: 'User' | 'Group', row: string, version: string): Place => ({
  kind: 'parts',
  child: from({
    resourceType: text(`'${type}'`),
    created: time(`${row}.created_at`),
    lastModified: time(`${row}.updated_at`),
    version: text(`'W/"' || ${row}.${version} || '"'`),
  }),
});

const provisioning = (boxId: string, inStep: string): Place => ({
  kind: 'parts',
  child: from({ boxId: text(boxId), inStep: { kind: 'boolean', sql: inStep } }),
});

/** A subject that stands in for an external id is none. The comparison is one that the index knows. */
const externalId: Place = {
  kind: 'text',
  sql: `CASE WHEN i.subject NOT LIKE 'scim:%' THEN i.subject END`,
  equals: (value, parameters) =>
    typeof value === 'string' && !value.startsWith('scim:')
      ? `i.subject = ${parameters.add(value)}`
      : 'false',
};

/** Over `identity i LEFT JOIN box_account a`. */
export const userPlaces: Places = from(
  {
    id: id('i.id'),
    externalId,
    userName: text('i.username'),
    active: { kind: 'boolean', sql: 'i.active' },
    meta: meta('User', 'i', 'generation'),
    groups: {
      kind: 'rows',
      from: `scim_group_member gm JOIN scim_group gg ON gg.id = gm.group_id
        WHERE gm.identity_id = i.id AND gm.is_wanted AND gg.deleted_at IS NULL`,
      child: from({ value: id('gg.id'), display: text('gg.display_name'), type: text(`'direct'`) }),
    },
    [PROVISIONING_URN]: provisioning('a.box_user_id', 'coalesce(a.applied_generation = i.generation, false)'),
  },
  inJson('scim_document(i)'),
);

/** Of a row `m` of scim_group_member: relative to the member. */
export const memberPlaces: Places = from({
  value: text('m.value'),
  display: text('m.display'),
  type: text(`coalesce(m.type, 'User')`),
});

/** Over `scim_group g`. */
export const groupPlaces: Places = from({
  id: id('g.id'),
  displayName: text('g.display_name'),
  externalId: text('g.external_id'),
  meta: meta('Group', 'g', 'version'),
  members: {
    kind: 'rows',
    from: 'scim_group_member m WHERE m.group_id = g.id AND m.is_wanted',
    child: memberPlaces,
  },
  [PROVISIONING_URN]: provisioning('g.box_group_id', 'g.applied_generation = g.generation'),
});
