import { createBox } from '@foyer/box';
import { openVerifyStore, PrismaCallLog, type PostgresVerifyStore } from '@foyer/persistence';
import { verify, VerifyInterrupted, type VerifyParts, type VerifyRun } from '@foyer/provisioning';
import { OperatorProblem, type Command, type Setting, type Values } from '../command.ts';
import { withTenant } from '../tenancy.ts';
import type { Terminal } from '../terminal.ts';
import { report, reportJson, type Reported } from '../verify-report.ts';

/** A marker of Box is not for keeping, and neither is what was read with it. */
const RESUME_WITHIN_MS = 60 * 60_000;
/** A comparison of a million identities is one statement. */
const SILENCE_MS = 30 * 60_000;
/** A call ends within BOX_TIMEOUT_MS; so much later its outcome is on record, or never will be. */
const OUTCOME_GRACE_MS = 5_000;

export const verifyCommand: Command = {
  path: ['verify'],
  summary: 'read all of Box back and compare it with the database; changes nothing',
  options: { json: { type: 'boolean' }, resume: { type: 'boolean' }, fresh: { type: 'boolean' } },
  help: {
    '--json': 'the certificate with every exception, as JSON',
    '--resume': 'only go on with a reading that was broken off',
    '--fresh': 'begin anew, even if one was broken off within the hour',
  },
  async run(setting, values) {
    if (values.resume && values.fresh) throw new OperatorProblem('--resume and --fresh exclude each other.');
    const config = setting.config();
    const auth = config.boxAuth();
    return withTenant(
      config,
      async ({ database, tenantId }) => {
        const store = await openVerifyStore(database, tenantId);
        if (store === null) throw new OperatorProblem('Another verify of this tenant is running.');
        // No lease is ever held here: the log only needs to know how far one would be extended.
        const log = new PrismaCallLog(database, tenantId, 0);
        const { BOX_BASE_URL: baseUrl, BOX_TIMEOUT_MS: timeoutMs } = config;
        const box = createBox({ auth, baseUrl, timeoutMs, log });
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
          return await (values.json ? reportJson : report)(reported, store, setting.terminal);
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
    terminal.remark(`Going on with the reading begun at ${when}: ${unfinished.listed} Box users are read.`);
    return unfinished;
  }
  if (values.resume) {
    throw new OperatorProblem('No reading was broken off within the last hour; run verify without --resume.');
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
    const goOn = 'What was read is kept for an hour: run verify again to go on.';
    if (error.fault === null) throw new OperatorProblem(`Stopped. ${goOn}`);
    const { code, detail } = error.fault;
    throw new OperatorProblem(`Box could not be read: ${detail} (docs/errors.md#${code}). ${goOn}`);
  }
}

const phases = { listing: 'reading Box', comparing: 'comparing', looking: 'looking again' };

/** One bar after the other. */
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
