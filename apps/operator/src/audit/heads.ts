import type { AuditHead } from '@foyer/provisioning';
import { OperatorProblem } from '../command.ts';
import { toHead } from './input.ts';
import { linesOf, sizeOfFile } from './lines.ts';

/** A head of the chain, and its tenant when the line names one. */
export interface NotedHead extends AuditHead {
  readonly tenant?: string;
}

const events: readonly unknown[] = ['audit-sealed', 'audit-head'];

/**
 * Reads the heads in a file: lines of a provisioner's log (other events are skipped), output of `audit head --json`, or
 * `SEQ:HASH`. Throws OperatorProblem for a file without any, because it would prove nothing.
 */
export async function headsOf(path: string): Promise<NotedHead[]> {
  await sizeOfFile(path);
  const heads: NotedHead[] = [];
  for await (const line of linesOf(path, () => {})) {
    const head = toHead(line.trim()) ?? ofLog(line);
    if (head !== null) heads.push(head);
  }
  if (heads.length === 0)
    throw new OperatorProblem(
      `${path} has no head: there is neither a line "SEQ:HASH" nor an event audit-sealed in it.`,
    );
  return heads;
}

export const headsFor = (tenant: string, heads: readonly NotedHead[]): readonly AuditHead[] =>
  heads.filter((head) => head.tenant === undefined || head.tenant === tenant);

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
