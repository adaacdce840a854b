import { AuditSealer } from '@foyer/persistence';
import type { AuditHead } from '@foyer/provisioning';
import type { TenantSources } from '../sources.ts';
import { linesIn } from './lines.ts';

/** A head of the chain that was stored elsewhere, and its tenant's name when the line names one. */
export interface NotedHead extends AuditHead {
  readonly tenant?: string;
}

/** The end of the chain; null before the first block is sealed. */
export const readAuditHead = ({
  database,
  tenantId,
}: TenantSources): Promise<(AuditHead & { readonly sealedAt: Date }) | null> =>
  new AuditSealer(database, tenantId).head();

/** As the provisioner logs it. */
export const headText = ({ seq, hash }: AuditHead): string => `${seq}:${hash}`;

/** Parses `SEQ:HASH`; null for any other text. */
export function toHead(text: string): AuditHead | null {
  const [, seq, hash] = /^([1-9]\d{0,14}):([0-9a-f]{64})$/.exec(text) ?? [];
  return seq === undefined || hash === undefined ? null : { seq: Number(seq), hash };
}

/**
 * The heads in a file: lines of a provisioner's log (other events are skipped), output of `audit head --json`, or
 * `SEQ:HASH`. Throws AuditFileProblem for a line that is too long.
 */
export async function headsIn(chunks: AsyncIterable<Uint8Array>): Promise<NotedHead[]> {
  const heads: NotedHead[] = [];
  for await (const line of linesIn(chunks)) {
    const head = toHead(line.trim()) ?? ofLog(line);
    if (head !== null) heads.push(head);
  }
  return heads;
}

export const headsFor = (tenant: string, heads: readonly NotedHead[]): readonly AuditHead[] =>
  heads.filter((head) => head.tenant === undefined || head.tenant === tenant);

const events: readonly unknown[] = ['audit-sealed', 'audit-head'];

/** Some log collectors write a prefix before the JSON. */
function ofLog(line: string): NotedHead | null {
  const start = line.indexOf('{');
  if (start === -1 || !line.includes('"head"')) return null;
  try {
    const { event = 'audit-head', head, tenant } = JSON.parse(line.slice(start)) as Record<string, unknown>;
    const found = events.includes(event) && typeof head === 'string' ? toHead(head) : null;
    return found && { ...found, ...(typeof tenant === 'string' && { tenant }) };
  } catch {
    return null;
  }
}
