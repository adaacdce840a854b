import { AuditFileProblem } from '@foyer/provisioning';
import { headsIn, isMonthsKept, monthsKept, toHead, type NotedHead } from '@foyer/operations';
import type { AuditMonths } from '@foyer/shared';
import { OperatorProblem } from '../../command.ts';
import { chunksOf, sizeOfFile } from '../../input-file.ts';

type Value = string | boolean | undefined;

/** Empty without the option. */
export function readHead(value: Value): NotedHead[] {
  if (value === undefined) return [];
  const head = toHead(String(value));
  if (head === null)
    throw new OperatorProblem(
      '--head must be a number, a colon and 64 hexadecimal digits, as the log has it.',
    );
  return [head];
}

export function readMonths(from: Value, to: Value): AuditMonths {
  const months = { from: readMonth('--from', from), to: readMonth('--to', to) };
  if (months.from !== null && months.to !== null && months.from > months.to)
    throw new OperatorProblem('--from must not be after --to.');
  return months;
}

function readMonth(option: string, value: Value): string | null {
  if (value === undefined) return null;
  if (/^\d{4}-(0[1-9]|1[0-2])$/.test(String(value))) return String(value);
  throw new OperatorProblem(`${option} must be a month such as 2026-03.`);
}

export function readKeepMonths(value: Value): number {
  const months = /^\d+$/.test(String(value)) ? Number(value) : NaN;
  if (isMonthsKept(months)) return months;
  throw new OperatorProblem(
    `--keep-months must be a whole number from ${monthsKept.least} to ${monthsKept.most}.`,
  );
}

/** The heads in a file. Throws OperatorProblem for a file without any, because it would prove nothing. */
export async function readHeads(path: string): Promise<NotedHead[]> {
  await sizeOfFile(path);
  const heads = await headsIn(chunksOf(path)).catch((error: unknown) => {
    throw error instanceof AuditFileProblem ? new OperatorProblem(error.message) : error;
  });
  if (heads.length === 0)
    throw new OperatorProblem(
      `${path} has no head: there is neither a line "SEQ:HASH" nor an event audit-sealed in it.`,
    );
  return heads;
}
