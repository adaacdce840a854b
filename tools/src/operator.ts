import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { StackProblem } from './problem.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const PROGRAM = join(ROOT, 'apps', 'operator', 'dist', 'main.js');
const LIMIT_MS = 60_000;

/** The output of an operator's command, and its exit status. */
export interface Operated {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** Runs an operator's command as a process of its own: `npm run foyer -- ARGS`, on this database. */
export function operate(databaseUrl: string, ...args: string[]): Promise<Operated> {
  if (!existsSync(PROGRAM))
    throw new StackProblem(`the operator's commands are not built (${PROGRAM} is missing)`, 'npm run build');
  const env = { PATH: process.env.PATH, DATABASE_URL: databaseUrl };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [PROGRAM, ...args],
      { cwd: ROOT, env, timeout: LIMIT_MS },
      (error, out, err) => {
        const code = error === null ? 0 : error.code;
        resolve({ status: typeof code === 'number' ? code : -1, out, err });
      },
    );
  });
}

/** A new SCIM token with this name, which replaces the earlier one. */
export async function makeScimToken(databaseUrl: string, name: string): Promise<string> {
  await operate(databaseUrl, 'scim-token', 'revoke', name);
  const { status, out, err } = await operate(databaseUrl, 'scim-token', 'create', '--name', name);
  if (status !== 0)
    throw new StackProblem(`no SCIM token was made (exit status ${status}): ${err}`, 'see above');
  return out.trim();
}
