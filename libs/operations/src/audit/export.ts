import { readAudit } from '@foyer/persistence';
import { auditFileLines, type AuditPart } from '@foyer/provisioning';
import type { AuditMonths } from '@foyer/shared';
import type { TenantSources } from '../sources.ts';
import { unlessStopped, untilStopped, type Finished, type Stopped } from '../stopped.ts';

export interface AuditExportOptions {
  /** The tenant's name, for the first line of the export. */
  readonly tenant: string;
  /** The months whose rows are written; the chain of all months is. */
  readonly months: AuditMonths;
  readonly stopping: AbortSignal;
  readonly onProgress: (blocks: number, total: number) => void;
}

/**
 * Gives the lines of an export, from one snapshot of the database, to `write`. When it is stopped, the lines end with an
 * error, so that `write` fails and can remove what it has written.
 */
export function exportAudit(
  { database, tenantId }: TenantSources,
  { tenant, months, stopping, onProgress }: AuditExportOptions,
  write: (lines: AsyncIterable<string>) => Promise<void>,
): Promise<Finished | Stopped> {
  return unlessStopped(() =>
    readAudit(database, tenantId, async ({ totals, unsealed, prunings, parts }) => {
      const about = {
        ...{ tenant, months, prunings },
        exportedAt: new Date().toISOString(),
        unsealed: unsealed.waiting + unsealed.strays.length,
      };
      const counted = withProgress(parts(), (blocks) => onProgress(blocks, totals.blocks));
      await write(auditFileLines(about, untilStopped(counted, stopping)));
      return { kind: 'finished' } as const;
    }),
  );
}

async function* withProgress(
  parts: AsyncIterable<AuditPart>,
  onPart: (parts: number) => void,
): AsyncGenerator<AuditPart> {
  let count = 0;
  for await (const part of parts) {
    yield part;
    onPart(++count);
  }
}
