import type { CallIntent, DiscrepancyKind } from '@foyer/provisioning';
import { PrismaCallLog } from '../call-log/call-log.ts';
import type { Database } from '../database/database.ts';
import { run, setStatement, wordList } from '../database/statement.ts';
import { requestFor } from '../requests/new-request.ts';
import { transaction, UNIQUE_VIOLATION, type Transaction } from '../database/transaction.ts';

/**
 * The discrepancies that a request fixes automatically. Orphans, duplicates and mismatched users need an operator; so
 * does a deleted Box user, because a new one would be empty.
 */
export const repairableKinds = [
  'unmapped',
  'missing',
  'unverified',
  'drifted',
  'group',
] as const satisfies readonly DiscrepancyKind[];

const PAGE = 100;

interface Found {
  readonly id: bigint;
  readonly kind: string;
  readonly identityId: string | null;
  readonly groupId: string | null;
  readonly generation: number;
}

const findRepairable = setStatement<'tenant' | 'run' | 'after'>(
  'verify-repairable',
  `SELECT e.id, e.kind, i.id AS "identityId", g.id AS "groupId", coalesce(i.generation, g.generation) AS generation
   FROM verify_discrepancy e
   LEFT JOIN identity i ON i.id = e.identity_id AND i.tenant_id = $tenant::uuid
   LEFT JOIN scim_group g ON g.id = e.group_id AND g.tenant_id = $tenant::uuid AND g.deleted_at IS NULL
   LEFT JOIN box_account a ON a.identity_id = i.id
   WHERE e.run_id = $run::uuid AND e.id > $after::bigint AND e.confirmed AND e.kind IN (${wordList(repairableKinds)})
     AND (i.id IS NOT NULL OR g.id IS NOT NULL)
     AND NOT (e.kind IN ('missing', 'unmapped') AND a.identity_id IS NOT NULL)
   ORDER BY e.id LIMIT ${PAGE}`,
);

/** Opens requests for the confirmed discrepancies of a run of `verify`; a worker then sets every field again. */
export class VerifyRepairs {
  private readonly database: Database;
  private readonly tenantId: string;

  constructor(database: Database, tenantId: string) {
    this.database = database;
    this.tenantId = tenantId;
  }

  /** Returns how many requests are open for them now. `intent`: the operator's call, recorded once per request. */
  async open(runId: string, intent: CallIntent): Promise<number> {
    const opened = new Set<string>();
    for (let after = 0n; ;) {
      const page = await transaction(this.database, (tx) => this.openPage(tx, runId, after, intent), {
        alsoOn: [UNIQUE_VIOLATION],
      });
      for (const requestId of page.requestIds) opened.add(requestId);
      if (page.last === null) return opened.size;
      after = page.last;
    }
  }

  private async openPage(
    tx: Transaction,
    runId: string,
    after: bigint,
    intent: CallIntent,
  ): Promise<{ readonly requestIds: readonly string[]; readonly last: bigint | null }> {
    const found = await run<Found>({ tx }, findRepairable, { tenant: this.tenantId, run: runId, after });
    const requestIds: string[] = [];
    for (const { identityId, groupId, generation, kind } of found) {
      const about = identityId === null ? { groupId: groupId! } : { identityId };
      const { requestId } = await requestFor(tx, this.tenantId, { ...about, generation }, 'operator');
      const parameters = { run: runId, kind, ...(groupId !== null && { groupId }) };
      await new PrismaCallLog({ tx }, this.tenantId, 0).record(
        { requestId, identityId, lease: null },
        { ...intent, parameters },
        { result: 'ok', status: null, error: null, answer: null, durationMs: 0 },
      );
      requestIds.push(requestId);
    }
    return { requestIds, last: found.length < PAGE ? null : found.at(-1)!.id };
  }
}
