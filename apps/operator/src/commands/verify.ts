import { boxAppOf, createBox } from '@foyer/box';
import {
  openBoxBudget,
  openVerifyStore,
  PrismaCallLog,
  VerifyRepairs,
  type PostgresVerifyStore,
} from '@foyer/persistence';
import { verify, VerifyInterrupted, type VerifyParts, type VerifyRun } from '@foyer/provisioning';
import { OperatorProblem, type Command, type Setting, type Values } from '../command.ts';
import { commandIntent } from '../on-record.ts';
import { withTenant } from '../tenancy.ts';
import type { Terminal } from '../terminal.ts';
import { report, reportJson, type Reported } from '../verify-report.ts';

/** Box's markers expire, so a run can be continued only within this time, in milliseconds. */
const RESUME_WITHIN_MS = 60 * 60_000;
/** The time limit of a statement, in milliseconds: comparing a million identities is one statement. */
const SILENCE_MS = 30 * 60_000;
/** A call ends within BOX_TIMEOUT_MS; if its outcome is not recorded this many milliseconds later, it never will be. */
const OUTCOME_GRACE_MS = 5_000;
/** How long a call waits for the rate limiter before it tries again, in milliseconds. */
const PERMIT_MS = 10_000;

export const verifyCommand: Command = {
  path: ['verify'],
  summary: 'read all Box users and compare them with the database; --repair corrects the differences',
  options: {
    json: { type: 'boolean' },
    repair: { type: 'boolean' },
    resume: { type: 'boolean' },
    fresh: { type: 'boolean' },
  },
  help: {
    '--json': 'print the certificate with every exception as JSON',
    '--repair':
      'create a request for each person and group that differs: a worker then writes all values to Box again',
    '--resume': 'only continue a run that was interrupted',
    '--fresh': 'start a new run, even if one was interrupted within the last hour',
  },
  async run(setting, values) {
    if (values.resume && values.fresh)
      throw new OperatorProblem('--resume and --fresh cannot be used together.');
    const config = setting.config();
    const auth = config.boxAuth();
    return withTenant(
      config,
      async ({ database, tenantId }) => {
        const store = await openVerifyStore(database, tenantId);
        if (store === null) throw new OperatorProblem('Another verify of this tenant is running.');
        // No lease is held here, and the log needs a lease time only to extend one.
        const log = new PrismaCallLog(database, tenantId, 0);
        const { BOX_BASE_URL: baseUrl, BOX_TIMEOUT_MS: timeoutMs } = config;
        const budget = openBoxBudget(database, boxAppOf(auth), config.BOX_CALLS_PER_MINUTE);
        const allowance = budget.permits('bulk', PERMIT_MS);
        const box = createBox({ auth, baseUrl, timeoutMs, log, allowance });
        try {
          const run = await runOf(store, values, setting.terminal);
          const progress = progressOn(setting.terminal);
          const writeAgeMs = timeoutMs + OUTCOME_GRACE_MS;
          const certificate = await readBack(
            run,
            { box, store, writeAgeMs, ...progress.parts },
            setting,
          ).finally(progress.end);
          const reported: Reported = { tenant: config.FOYER_TENANT, run, certificate };
          const status = await (values.json ? reportJson : report)(reported, store, setting.terminal);
          if (values.repair) {
            const intent = commandIntent('verify_repair', 'verify --repair', setting.operator);
            const requests = await new VerifyRepairs(database, tenantId).open(run.id, intent);
            setting.terminal.remark(repaired(requests));
          }
          return status;
        } finally {
          await box.close();
          await store.close();
        }
      },
      { silenceMs: SILENCE_MS },
    );
  },
};

async function runOf(store: PostgresVerifyStore, values: Values, terminal: Terminal): Promise<VerifyRun> {
  const unfinished = values.fresh ? null : await store.unfinished(RESUME_WITHIN_MS);
  if (unfinished !== null) {
    const when = unfinished.startedAt.toISOString();
    terminal.remark(
      `Continuing the run that started at ${when}: it has read ${unfinished.listed} Box users.`,
    );
    return unfinished;
  }
  if (values.resume) {
    throw new OperatorProblem('No run was interrupted within the last hour. Run verify without --resume.');
  }
  return store.begin();
}

async function readBack(
  run: VerifyRun,
  parts: Omit<VerifyParts, 'stopping' | 'onRemark'>,
  { terminal, stopping }: Setting,
) {
  try {
    return await verify(run, { ...parts, stopping, onRemark: (line) => terminal.remark(line) });
  } catch (error) {
    if (!(error instanceof VerifyInterrupted)) throw error;
    const goOn = 'The progress is kept for an hour. Run verify again to continue.';
    if (error.fault === null) throw new OperatorProblem(`Stopped. ${goOn}`);
    const { code, detail } = error.fault;
    throw new OperatorProblem(`Box could not be read: ${detail} (docs/errors.md#${code}). ${goOn}`);
  }
}

const repaired = (requests: number): string =>
  requests === 0
    ? 'None of the exceptions can be repaired by a request.'
    : `${requests} ${requests === 1 ? 'request sets' : 'requests set'} right what a request can. Run verify again once they have ended.`;

const phases = {
  listing: 'reading Box',
  comparing: 'comparing',
  looking: 'rechecking',
  groups: 'groups read',
};

/** Shows one progress bar after the other. */
function progressOn(terminal: Terminal) {
  let phase = '';
  let bar: ReturnType<Terminal['progress']> | undefined;
  const onProgress: VerifyParts['onProgress'] = (now, done, total) => {
    if (now !== phase) {
      bar?.end();
      bar = terminal.progress(phases[now]);
      phase = now;
    }
    bar?.update(done, total);
  };
  return { parts: { onProgress }, end: () => bar?.end() };
}
