import { OperatorProblem } from './command.ts';

/**
 * Removes `--env-file FILE` from the arguments, at any position. Throws OperatorProblem when no file is named, or two
 * are.
 */
export function takeEnvFile(args: readonly string[]): { rest: string[]; file: string | undefined } {
  const rest: string[] = [];
  const files: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    if (arg.startsWith('--env-file=')) files.push(arg.slice('--env-file='.length));
    else if (arg === '--env-file') files.push(args[(at += 1)] ?? '');
    else rest.push(arg);
  }
  if (files.includes('') || files.length > 1)
    throw new OperatorProblem('--env-file takes one file, as in --env-file .data/stack.env.');
  return { rest, file: files[0] };
}
