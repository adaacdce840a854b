import { readAudit } from '@foyer/persistence';
import {
  AuditChainCheck,
  AuditFileProblem,
  checkAuditFile,
  readAct,
  type AuditSummary,
} from '@foyer/provisioning';
import type { TenantSources } from '../sources.ts';
import { headsFor, type NotedHead } from './head.ts';
import { linesIn } from './lines.ts';
import { unlessStopped, untilStopped, type Stopped } from '../stopped.ts';

/** Whether the log is as it was sealed: it is when there are no findings. */
export interface AuditVerdict extends AuditSummary {
  /** The tenant's name. */
  readonly tenant: string;
  /** The number of rows that are not in a block yet; null when the file does not tell. */
  readonly unsealed: number | null;
  /** ISO 8601. */
  readonly oldestUnsealedAt: string | null;
}

export type AuditVerification = { readonly kind: 'verified'; readonly verdict: AuditVerdict } | Stopped;

export interface AuditVerifyOptions {
  /** Heads that were stored elsewhere: the chain must contain those of its tenant. */
  readonly heads: readonly NotedHead[];
  readonly stopping: AbortSignal;
}

/** Checks a tenant's log in one snapshot of the database. Changes nothing. `tenant`: its name. */
export function verifyAudit(
  { database, tenantId }: TenantSources,
  tenant: string,
  {
    heads,
    stopping,
    onProgress,
  }: AuditVerifyOptions & { readonly onProgress: (rows: number, total: number) => void },
): Promise<AuditVerification> {
  return unlessStopped(() =>
    readAudit(database, tenantId, async ({ totals, unsealed, prunings, parts }) => {
      const check = new AuditChainCheck({
        heads: headsFor(tenant, heads),
        strays: unsealed.strays,
        acts: prunings.flatMap(({ line }) => readAct(line) ?? []),
      });
      let rows = 0;
      for await (const part of untilStopped(parts(), stopping)) {
        check.add(part);
        rows += part.entries?.length ?? 0;
        onProgress(rows, totals.rows);
      }
      const oldestUnsealedAt = unsealed.oldestAt?.toISOString() ?? null;
      const verdict = { tenant, ...check.finish(), unsealed: unsealed.waiting, oldestUnsealedAt };
      return { kind: 'verified', verdict } as const;
    }),
  );
}

/** Checks the file of an export, which needs no database. `not-an-export`: `why` is a sentence. */
export async function verifyAuditExport(
  chunks: AsyncIterable<Uint8Array>,
  { heads, stopping }: AuditVerifyOptions,
): Promise<AuditVerification | { readonly kind: 'not-an-export'; readonly why: string }> {
  const check = new AuditChainCheck({ headsOf: (tenant) => headsFor(tenant, heads) });
  try {
    return await unlessStopped(async () => {
      const { start, end } = await checkAuditFile(linesIn(untilStopped(chunks, stopping)), check);
      const verdict = {
        ...{ tenant: start.tenant, ...check.finish() },
        ...{ unsealed: end?.unsealed ?? null, oldestUnsealedAt: null },
      };
      return { kind: 'verified', verdict } as const;
    });
  } catch (error) {
    if (error instanceof AuditFileProblem) return { kind: 'not-an-export', why: error.message };
    throw error;
  }
}
