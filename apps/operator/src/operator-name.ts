import { userInfo } from 'node:os';
import { OperatorProblem } from './command.ts';

const NAME = /^[\p{L}\p{N}][\p{L}\p{N}@._+-]{0,99}$/u;

/**
 * The operator's name for the audit log: the account on this machine, after the name from `--as`, for accounts that
 * many people share (a container has only one). Throws OperatorProblem for an invalid name.
 */
export function operatorName(given: string | undefined, account = accountName()): string {
  if (given === undefined) return `operator:${account}`;
  if (!NAME.test(given))
    throw new OperatorProblem(
      '--as must be 1 to 100 letters, digits, dots, dashes, underscores, pluses and @, beginning with a letter or a digit. ' +
        'Example: --as ada@example.com',
    );
  return `operator:${given} (account ${account})`;
}

/** A container may run under a user id that has no name. */
function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid-${process.getuid?.() ?? 'unknown'}`;
  }
}
