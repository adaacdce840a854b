export type MigrationProblem =
  | 'files'
  | 'url'
  | 'unreachable'
  | 'password'
  | 'database'
  | 'locked'
  | 'statement'
  | 'failed-before'
  | 'changed'
  | 'not-migrated'
  | 'role';

/** Why the migrations did not run: one sentence with the cause and what to do. Never contains a password. */
export class MigrationError extends Error {
  readonly problem: MigrationProblem;

  constructor(problem: MigrationProblem, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'MigrationError';
    this.problem = problem;
  }
}
