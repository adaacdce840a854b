import { BACKGROUND_FROM, openStatuses, priorityOf } from '@foyer/shared';
import { wordList } from '../database/statement.ts';

/**
 * The only place in the code that opens requests: parts of a WITH, for the statements that change desired state. In the
 * database, a trigger on box_account opens one for each group that waits for the Box user of a member.
 */

const ABOUT = {
  identity: { column: 'identity_id', index: '(identity_id, generation)', where: '' },
  group: { column: 'group_id', index: '(group_id, generation)', where: 'group_id IS NOT NULL AND ' },
} as const;

/** In SQL: whether the request `row` is open. */
export const isOpen = (row: string): string => `${row}.status IN (${wordList(openStatuses)})`;

/** What requests are opened, in SQL. */
export interface Opening {
  readonly of: keyof typeof ABOUT;
  /** Where the rows come from: a FROM clause, with its WHERE. The caller holds the row of each person or group. */
  readonly from: string;
  readonly tenant: string;
  readonly cause: string;
  readonly priority: string | number;
  readonly id?: string;
  readonly generation?: string;
  readonly retryOf?: string;
  /** In milliseconds: how long the relay leaves the request to whoever enqueues it. Without it, it is due at once. */
  readonly graceMs?: string;
  /** The name of the part, which has the `id` of each new request. */
  readonly as?: string;
}

/** Opens a request for each row, except where one of its generation is open. */
export const openRequests = ({
  of,
  from,
  tenant,
  cause,
  priority,
  id = 'id',
  generation = 'generation',
  retryOf = 'NULL',
  graceMs,
  as = 'request',
}: Opening): string => `${as} AS (
    INSERT INTO provisioning_request (tenant_id, ${ABOUT[of].column}, generation, cause, priority, retry_of, due_at)
    SELECT ${tenant}, ${id}, ${generation}, ${cause}, ${priority}, ${retryOf}::uuid,
      clock_timestamp()${graceMs === undefined ? '' : ` + ${graceMs} * interval '1 millisecond'`}
    FROM ${from}
    ON CONFLICT ${ABOUT[of].index} WHERE ${ABOUT[of].where}status IN (${wordList(openStatuses)}) DO NOTHING
    RETURNING id
  ), ${as}_noted AS (INSERT INTO request_event (request_id, event) SELECT id, 'queued' FROM ${as})`;

/**
 * The open request of the row's generation, or a new one: the part `request` has its `id`, `is_new` and `was_promoted`.
 * One that nobody has started leaves the background lane when the new reason does not belong there. While the statement
 * waits for a lock, the open request may end (it is then in `seen` and not in `kept`), or another one may be opened
 * (`made` is then empty): the part is empty, and the caller reads again. `row` is a part with `id` and `generation`.
 */
export const openOrFollow = (row: string, { of, ...opening }: Omit<Opening, 'from' | 'as'>): string => {
  const open = `FROM provisioning_request r JOIN ${row} ON r.${ABOUT[of].column} = ${row}.id
      AND r.generation = ${row}.generation
    WHERE r.tenant_id = ${opening.tenant} AND ${isOpen('r')}`;
  return `seen AS (SELECT r.id ${open}), kept AS (
    SELECT r.id, r.started_at IS NULL AND r.priority >= ${BACKGROUND_FROM} AND ${opening.priority} < ${BACKGROUND_FROM} AS promotes
    ${open} FOR NO KEY UPDATE OF r
  ), promoted AS (
    UPDATE provisioning_request r SET priority = ${opening.priority} FROM kept WHERE r.id = kept.id AND kept.promotes
  ), ${openRequests({ of, ...opening, from: `${row} WHERE NOT EXISTS (SELECT FROM seen)`, as: 'made' })}, request AS (
    SELECT id, false AS is_new, promotes AS was_promoted FROM kept UNION ALL SELECT id, true, false FROM made
  )`;
};

/** What a SCIM client's change of a person opens: with the values `tenant` and `grace_ms`. */
export const scimOpening = {
  of: 'identity',
  ...{ tenant: '$tenant::uuid', cause: "'scim'", priority: priorityOf.scim, graceMs: '$grace_ms::float8' },
} as const;

/** What `openOrFollow` did, as columns. */
export const requestColumns =
  'request.id AS "requestId", request.is_new AS "isNew", request.was_promoted AS "wasPromoted"';

export interface RequestRow {
  readonly requestId: string;
  readonly isNew: boolean;
  readonly wasPromoted: boolean;
}
