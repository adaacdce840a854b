import {
  VERIFY_STATEMENT_MS,
  verifyTenant,
  type VerifiedRun,
  type Verification,
  type VerifyOptions,
} from '@foyer/operations';
import { OperatorProblem, type Command, type Setting, type Values } from '../../command.ts';
import type { Terminal } from '../../terminal.ts';
import { withBox } from '../../with-box.ts';
import { report, reportJson } from './report.ts';

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
    '--json': 'print the certificate with every discrepancy as JSON',
    '--repair':
      'create a request for each person and group that differs: a worker then writes all values to Box again',
    '--resume': 'only continue a run that was interrupted',
    '--fresh': 'start a new run, even if one was interrupted within the last hour',
  },
  async run(setting, values) {
    if (values.resume && values.fresh)
      throw new OperatorProblem('--resume and --fresh cannot be used together.');
    const { terminal, stopping } = setting;
    const config = setting.config();
    const progress = progressOn(terminal);
    const options: VerifyOptions = {
      resume: values.resume ? 'only' : values.fresh ? 'never' : 'if-possible',
      stopping,
      onProgress: progress.onProgress,
      onRemark: (line) => terminal.remark(line),
      onResumed: ({ startedAt, listed }) =>
        terminal.remark(
          `Continuing the run that started at ${startedAt.toISOString()}: it has read ${listed} Box users.`,
        ),
    };
    const result = await withBox(
      config,
      (sources) =>
        verifyTenant({ ...sources, callTimeoutMs: config.BOX_TIMEOUT_MS }, options, (verified) => {
          progress.end();
          return reportAndRepair(verified, config.FOYER_TENANT, values, setting);
        }),
      { isBulk: true, silenceMs: VERIFY_STATEMENT_MS },
    ).finally(progress.end);
    return statusOf(result);
  },
};

async function reportAndRepair(
  verified: VerifiedRun,
  tenant: string,
  { json, repair }: Values,
  { terminal, operator }: Setting,
): Promise<number> {
  const status = await (json ? reportJson : report)(verified, tenant, terminal);
  if (repair) terminal.remark(repaired(await verified.repair(operator)));
  return status;
}

function statusOf(result: Verification<number>): number {
  const goOn = 'The progress is kept for an hour. Run verify again to continue.';
  switch (result.kind) {
    case 'verified':
      return result.value;
    case 'busy':
      throw new OperatorProblem('Another verify of this tenant is running.');
    case 'nothing-to-resume':
      throw new OperatorProblem('No run was interrupted within the last hour. Run verify without --resume.');
    case 'stopped':
      throw new OperatorProblem(`Stopped. ${goOn}`);
    case 'box-failed': {
      const { code, detail } = result.fault;
      throw new OperatorProblem(`Box could not be read: ${detail} (docs/errors.md#${code}). ${goOn}`);
    }
  }
}

const repaired = (requests: number): string =>
  requests === 0
    ? 'None of the discrepancies can be repaired by a request.'
    : `${requests} ${requests === 1 ? 'request fixes' : 'requests fix'} what a request can. Run verify again once they have ended.`;

const phases = {
  listing: 'reading Box',
  comparing: 'comparing',
  rechecking: 'rechecking',
  groups: 'groups read',
};

/** Shows one progress bar after the other. */
function progressOn(terminal: Terminal): { onProgress: VerifyOptions['onProgress']; end: () => void } {
  let phase: keyof typeof phases | null = null;
  let bar: ReturnType<Terminal['progress']> | null = null;
  const end = () => {
    bar?.end();
    bar = null;
  };
  const onProgress: VerifyOptions['onProgress'] = (now, done, total) => {
    if (now !== phase) {
      end();
      bar = terminal.progress(phases[now]);
      phase = now;
    }
    bar?.update(done, total);
  };
  return { onProgress, end };
}
