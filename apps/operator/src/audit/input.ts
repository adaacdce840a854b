import type { AuditHead } from '@foyer/provisioning';
import type { AuditMonths } from '@foyer/shared';
import { OperatorProblem } from '../command.ts';

type Value = string | boolean | undefined;

/** Parses `SEQ:HASH`, as the provisioner logs it; null for any other text. */
export function toHead(text: string): AuditHead | null {
  const [, seq, hash] = /^([1-9]\d{0,14}):([0-9a-f]{64})$/.exec(text) ?? [];
  return seq === undefined || hash === undefined ? null : { seq: Number(seq), hash };
}

/** Empty without the option. */
export function readHead(value: Value): AuditHead[] {
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
  if (/^[1-9]\d{0,3}$/.test(String(value))) return Number(value);
  throw new OperatorProblem('--keep-months must be a whole number from 1 to 9999.');
}
