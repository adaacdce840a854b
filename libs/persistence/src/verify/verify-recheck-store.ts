import type { Candidate, DiscrepancyKind, Standing, Discrepancy, VerifyStore } from '@foyer/provisioning';
import { VerifyGroupStore } from './verify-group-store.ts';
import * as sql from './verify-sql.ts';

/** The columns of a discrepancy, from `verify_discrepancy e`. */
export const listedColumns = `e.id::text, e.kind, e.identity_id AS "identityId", e.box_user_id AS "boxUserId",
  e.other_box_users AS "otherBoxUserIds", e.external_id AS "externalId", e.call_id::text AS "callId", e.group_id AS "groupId", e.detail`;

const isUniqueViolation = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === '23505';

/** How `verify` rechecks the discrepancies that the comparison found; `VerifyStore` describes each method. */
export class VerifyRecheckStore extends VerifyGroupStore {
  async candidates(runId: string, kind: DiscrepancyKind, limit: number): Promise<Candidate[]> {
    const { rows } = await this.database.pool.query<Candidate>(
      `SELECT ${listedColumns} FROM verify_discrepancy e
       WHERE e.run_id = $1 AND e.kind = $2 AND NOT e.confirmed ORDER BY e.id LIMIT $3`,
      [runId, kind, limit],
    );
    return rows;
  }

  async standing(of: Parameters<VerifyStore['standing']>[0]): Promise<Standing | null> {
    const [condition, value] =
      'identityId' in of
        ? ['i.id = $2', of.identityId]
        : 'boxUserId' in of
          ? ['a.tenant_id = $1 AND a.box_user_id = $2', of.boxUserId]
          : [sql.carries('$2'), of.externalId];
    const { rows } = await this.database.pool.query<{
      identityId: string;
      externalId: string;
      isBusy: boolean;
      boxUserId: string | null;
      name: string;
      status: 'active' | 'inactive';
    }>(
      `${sql.standing} WHERE i.tenant_id = $1 AND ${condition} ORDER BY (a.identity_id IS NULL), i.created_at DESC LIMIT 1`,
      [this.tenantId, value],
    );
    const [row] = rows;
    if (!row) return null;
    const { identityId, externalId, isBusy, boxUserId, name, status } = row;
    return {
      identityId,
      externalId,
      isBusy,
      account: boxUserId === null ? null : { boxUserId, name, status },
    };
  }

  async isUnsettled(callId: string): Promise<boolean> {
    const { rowCount } = await this.database.pool.query(
      `SELECT FROM api_call c JOIN identity i ON i.id = c.identity_id
       LEFT JOIN api_call_outcome o ON o.call_id = c.id WHERE c.id = $1 AND c.tenant_id = $2 AND ${sql.unsettled}`,
      [callId, this.tenantId],
    );
    return rowCount === 1;
  }

  async settle(runId: string, candidateId: string, found: Discrepancy | null): Promise<void> {
    try {
      if (found !== null && (await this.confirm(runId, candidateId, found))) return;
    } catch (error) {
      // Two rechecks found the same discrepancy, which is stored only once.
      if (!isUniqueViolation(error)) throw error;
    }
    await this.database.pool.query('DELETE FROM verify_discrepancy WHERE id = $1 AND run_id = $2', [
      candidateId,
      runId,
    ]);
  }

  private async confirm(runId: string, candidateId: string, found: Discrepancy): Promise<boolean> {
    const { rowCount } = await this.database.pool.query(
      `UPDATE verify_discrepancy SET kind = $3, identity_id = $4, box_user_id = $5, other_box_users = $6, external_id = $7,
         call_id = $8, detail = $9, confirmed = true WHERE id = $2 AND run_id = $1`,
      [
        runId,
        candidateId,
        found.kind,
        found.identityId,
        found.boxUserId,
        found.otherBoxUserIds,
        found.externalId,
        found.callId,
        found.detail,
      ],
    );
    return rowCount === 1;
  }

  /** Another external id may mean another person, so a mismatched user is left for an operator. */
  async keepDifference({ kind, identityId, boxUserId }: Discrepancy): Promise<void> {
    if (identityId === null || (kind !== 'drifted' && kind !== 'missing')) return;
    await this.database.pool.query(sql.keepDifference, [
      this.tenantId,
      identityId,
      boxUserId,
      kind === 'missing',
    ]);
  }
}
