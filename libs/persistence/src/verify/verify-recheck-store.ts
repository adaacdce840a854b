import type { Candidate, DiscrepancyKind, Standing, Discrepancy, VerifyStore } from '@foyer/provisioning';
import { run } from '../database/statement.ts';
import { VerifyGroupStore } from './verify-group-store.ts';
import * as runs from './verify-run-sql.ts';
import * as sql from './verify-sql.ts';

const isUniqueViolation = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === '23505';

/** How `verify` rechecks the discrepancies that the comparison found; `VerifyStore` describes each method. */
export class VerifyRecheckStore extends VerifyGroupStore {
  async candidates(runId: string, kind: DiscrepancyKind, limit: number): Promise<Candidate[]> {
    return run(this.database, runs.listCandidates, { run: runId, kind, limit });
  }

  async standing(of: Parameters<VerifyStore['standing']>[0]): Promise<Standing | null> {
    const [found, id] =
      'identityId' in of
        ? [sql.standingBy.identityId, of.identityId]
        : 'boxUserId' in of
          ? [sql.standingBy.boxUserId, of.boxUserId]
          : [sql.standingBy.externalId, of.externalId];
    const [row] = await run<{
      identityId: string;
      externalId: string;
      isBusy: boolean;
      boxUserId: string | null;
      name: string;
      status: 'active' | 'inactive';
    }>(this.database, found, { tenant: this.tenantId, id });
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
    const found = await run(this.database, runs.findUnsettled, { tenant: this.tenantId, call: callId });
    return found.length === 1;
  }

  async settle(runId: string, candidateId: string, found: Discrepancy | null): Promise<void> {
    try {
      if (found !== null && (await this.confirm(runId, candidateId, found))) return;
    } catch (error) {
      // Two rechecks found the same discrepancy, which is stored only once.
      if (!isUniqueViolation(error)) throw error;
    }
    await run(this.database, runs.dropCandidate, { run: runId, candidate: candidateId });
  }

  private async confirm(runId: string, candidateId: string, found: Discrepancy): Promise<boolean> {
    const confirmed = await run(this.database, runs.confirm, {
      ...{ run: runId, candidate: candidateId, kind: found.kind, identity: found.identityId },
      ...{ box_user: found.boxUserId, others: found.otherBoxUserIds, external_id: found.externalId },
      ...{ call: found.callId, detail: found.detail },
    });
    return confirmed.length === 1;
  }

  /** Another external id may mean another person, so a mismatched user is left for an operator. */
  async keepDifference({ kind, identityId, boxUserId }: Discrepancy): Promise<void> {
    if (identityId === null || (kind !== 'drifted' && kind !== 'missing')) return;
    await run(this.database, sql.keepDifference, {
      ...{ tenant: this.tenantId, id: identityId, box_user: boxUserId, is_missing: kind === 'missing' },
    });
  }
}
