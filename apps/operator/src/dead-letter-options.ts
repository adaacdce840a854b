import { failureCodes, IdParams, type ErrorCode } from '@foyer/shared';
import { OperatorProblem, type Values } from './command.ts';

/** `--code`; null when absent. Throws OperatorProblem for a code with which no request fails. */
export function codeOption(values: Values): ErrorCode | null {
  if (values.code === undefined) return null;
  const known = failureCodes.find((code) => code === values.code);
  if (known === undefined)
    throw new OperatorProblem(`--code must be an error code of failed requests: ${failureCodes.join(', ')}.`);
  return known;
}

/** The one operand, REQUEST. Throws OperatorProblem when it is not the id of a request. */
export function requestOperand(operands: readonly string[], usage: string): string {
  const parsed = operands.length === 1 ? IdParams.safeParse({ id: operands[0] }) : undefined;
  if (!parsed?.success) throw new OperatorProblem(`${usage} takes one request id, as dead list shows it.`);
  return parsed.data.id;
}
