import {
  boxAppProblem,
  DeadLetters,
  openBoxBudget,
  runningProcesses,
  ScimTokens,
  scimTokenProblem,
  TenantBoxApp,
  workOverview,
  type Database,
  type DeadLetterCount,
  type RunningProcess,
  type WorkOverview,
} from '@foyer/persistence';
import type { BoxApp } from '@foyer/provisioning';
import { errorCatalog } from '@foyer/shared';

export interface StatusSources {
  readonly database: Database;
  readonly tenantId: string;
  /** The configured Box app and its limit; null when the configuration names none. */
  readonly box: { readonly app: BoxApp; readonly callsPerMinute: number } | null;
}

export interface FailedWork extends Pick<DeadLetterCount, 'code' | 'count' | 'oldest'> {
  readonly title: string;
  readonly remedy: string;
}

/** The answers to an operator's first questions: does it run, how fast, what waits, what failed, what is next. */
export interface StatusReport {
  readonly processes: readonly RunningProcess[];
  readonly work: WorkOverview;
  readonly failed: readonly FailedWork[];
  /** How many calls can be made at once, and how long Box asked all processes to wait; null without a limit. */
  readonly budget: { readonly level: number; readonly pausedMs: number } | null;
  /** One sentence each, with its remedy. Empty when nothing needs an operator. */
  readonly problems: readonly string[];
}

/** A queued request older than this, in seconds, means that no worker takes requests. */
const QUEUED_TOO_LONG = 60;
const SEALED_TOO_LONG = 15 * 60;

/** Reads the state of a tenant. Changes nothing. */
export async function readStatus({ database, tenantId, box }: StatusSources): Promise<StatusReport> {
  const processes = await runningProcesses(database, tenantId);
  const work = await workOverview(database, tenantId);
  const failed = (await new DeadLetters(database, tenantId).counts()).map(({ code, count, oldest }) => ({
    code,
    count,
    oldest,
    title: errorCatalog[code].title,
    remedy: errorCatalog[code].remedy,
  }));
  const others = [
    scimTokenProblem(await new ScimTokens(database, tenantId).standing()),
    box === null ? null : boxAppProblem(await new TenantBoxApp(database, tenantId, box.app).read()),
  ];
  const budget = box === null ? null : await openBoxBudget(database, box.app, box.callsPerMinute).look();
  const problems = [...problemsOf({ processes, work, failed }), ...others.filter((text) => text !== null)];
  return { processes, work, failed, budget, problems };
}

/** The problems that need an operator, each with what to do. Pure. */
export function problemsOf({
  processes,
  work,
  failed,
}: Pick<StatusReport, 'processes' | 'work' | 'failed'>): string[] {
  const runs = (app: RunningProcess['app']) => processes.some((process) => process.app === app);
  const queued = work.waiting.find(({ status }) => status === 'queued');
  const problems: string[] = [];
  if (!runs('gateway')) problems.push('No gateway runs: start one, or nobody can sign in.');
  if (!runs('provisioner')) problems.push('No provisioner runs: start one, or requests stay queued.');
  else if (queued !== undefined && queued.oldestSeconds > QUEUED_TOO_LONG)
    problems.push(
      `A request has been queued for ${Math.round(queued.oldestSeconds)} s: see npm run foyer -- doctor for the queue and the provisioners.`,
    );
  const dead = failed.reduce((sum, { count }) => sum + count, 0);
  if (dead > 0)
    problems.push(
      `Failed requests that no later request resolved: ${dead}. npm run foyer -- dead list shows the causes and what to do.`,
    );
  const { sealedSecondsAgo } = work.audit;
  const recordsMade = (work.ended.at(-1)?.boxCalls ?? 0) > 0;
  if (recordsMade && sealedSecondsAgo !== null && sealedSecondsAgo > SEALED_TOO_LONG && runs('provisioner'))
    problems.push(
      `The audit log was last sealed ${Math.round(sealedSecondsAgo / 60)} minutes ago. Search the logs of the provisioners for audit-seal-failed.`,
    );
  return problems;
}
