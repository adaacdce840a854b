import type { RecordedChange } from '@foyer/provisioning';
import { changing } from '../call-log/change-record.ts';
import type { Database } from '../database/database.ts';
import { run, statement } from '../database/statement.ts';
import { requestFor, type About, type OpenedRequest } from './new-request.ts';
import { mayBeRetried } from './unsettled.ts';

export type RetryAdmission =
  | ({ readonly kind: 'requested' } & OpenedRequest)
  | { readonly kind: 'not-found' }
  | { readonly kind: 'not-failed' }
  /** The person has no Box user, no create that may have made one, and will get none. */
  | { readonly kind: 'deactivated' }
  /** As `deactivated`, because an operator merged the identity into `mergedInto`. */
  | { readonly kind: 'merged'; readonly mergedInto: string };

interface FailedRow {
  readonly isFailed: boolean;
  readonly identityId: string | null;
  readonly groupId: string | null;
  readonly generation: number;
  readonly mayBeRetried: boolean;
  readonly mergedInto: string | null;
}

/** The request, with the row of its person or group locked. */
const readFailed = statement<'tenant' | 'request' | 'identity'>(
  'retry-read',
  `WITH asked AS (
    SELECT r.status, r.identity_id, r.group_id FROM provisioning_request r
    WHERE r.tenant_id = $tenant::uuid AND r.id = $request::uuid
      AND ($identity::uuid IS NULL OR r.identity_id = $identity::uuid)
  ), person AS (
    SELECT i.id, i.generation, i.merged_into, ${mayBeRetried} AS may_be_retried
    FROM identity i LEFT JOIN box_account a ON a.identity_id = i.id
    WHERE i.id = (SELECT identity_id FROM asked) FOR NO KEY UPDATE OF i
  ), held_group AS (
    SELECT g.id, g.generation FROM scim_group g WHERE g.id = (SELECT group_id FROM asked) FOR NO KEY UPDATE OF g
  ) SELECT asked.status = 'failed' AS "isFailed", asked.identity_id AS "identityId", asked.group_id AS "groupId",
      coalesce(person.generation, held_group.generation) AS generation,
      coalesce(person.may_be_retried, true) AS "mayBeRetried",
      person.merged_into AS "mergedInto"
    FROM asked LEFT JOIN person ON true LEFT JOIN held_group ON true`,
);

/** A new request in place of a failed one, recorded as `change`. With `identityId`, only a request of that person. */
export function retryRequest(
  database: Pick<Database, 'prisma'>,
  tenantId: string,
  { requestId, identityId = null }: { readonly requestId: string; readonly identityId?: string | null },
  change: RecordedChange | undefined,
): Promise<RetryAdmission> {
  return changing(database, tenantId, change, async (tx, onRecord): Promise<RetryAdmission> => {
    const values = { tenant: tenantId, request: requestId, identity: identityId };
    const [failed] = await run<FailedRow>({ tx }, readFailed, values);
    if (failed === undefined) return { kind: 'not-found' };
    if (!failed.isFailed) return { kind: 'not-failed' };
    const { mayBeRetried: isOpen, mergedInto } = failed;
    if (!isOpen) return mergedInto === null ? { kind: 'deactivated' } : { kind: 'merged', mergedInto };
    const about: About =
      failed.groupId === null ? { identityId: failed.identityId! } : { groupId: failed.groupId };
    const made = await requestFor(
      tx,
      tenantId,
      { ...about, generation: failed.generation },
      'operator',
      requestId,
    );
    await onRecord(made.requestId, failed.identityId);
    return { kind: 'requested', ...made };
  });
}
