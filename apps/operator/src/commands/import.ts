import { createHash } from 'node:crypto';
import { BatchIntake, Batches, PrismaCallLog, type Database } from '@foyer/persistence';
import { receiveBatch, type Reception } from '@foyer/provisioning';
import { readRoster } from '@foyer/roster';
import { counted, isId, type ProvisioningBatch } from '@foyer/shared';
import { followBatch } from '../batch-follow.ts';
import { OperatorProblem, type Command, type Setting } from '../command.ts';
import { dryRun } from '../dry-run.ts';
import { commandIntent, commandOutcome } from '../on-record.ts';
import { openRoster, type RosterInput } from '../roster-input.ts';
import { withTenant } from '../tenancy.ts';

export const importCommand: Command = {
  path: ['import'],
  operands: 'FILE',
  summary: 'provision a file of people, and follow the batch to its end; - is standard input',
  options: { format: { type: 'string' }, 'dry-run': { type: 'boolean' }, follow: { type: 'string' } },
  help: {
    '--format F': 'csv or jsonl; the default follows from the file name',
    '--dry-run': 'only report for each line what it would do; nothing is created or changed',
    '--follow BATCH': 'follow an earlier batch instead of importing a file',
  },
  async run(setting, values, operands) {
    const { follow } = values;
    if (follow !== undefined && operands.length > 0)
      throw new OperatorProblem('import takes a file or --follow, not both.');
    if (typeof follow === 'string') return followOnly(follow, setting);
    const [path, ...others] = operands;
    if (path === undefined || others.length > 0)
      throw new OperatorProblem('import takes one file, or - for input.');
    const issuer = setting.config().oktaIssuer();
    const input = await openRoster(path, values, setting);
    return withTenant(setting.config(), (parts) => {
      if (!values['dry-run']) return takeIn(input, issuer, parts, setting);
      const entries = readRoster(
        input.chunks(() => {}),
        { format: input.format, issuer },
      );
      return dryRun(entries, parts, setting);
    });
  },
};

interface Parts {
  readonly database: Database;
  readonly tenantId: string;
}

async function followOnly(id: string, setting: Setting): Promise<number> {
  if (!isId(id)) throw new OperatorProblem('--follow takes the id of a batch.');
  return withTenant(setting.config(), ({ database, tenantId }) =>
    followBatch(id, new Batches(database, tenantId), setting),
  );
}

async function takeIn(input: RosterInput, issuer: string, parts: Parts, setting: Setting): Promise<number> {
  const { terminal, stopping, operator: actor } = setting;
  const { database, tenantId } = parts;
  const digest = createHash('sha256');
  const progress = terminal.progress('reading');
  let taken = 0;
  let openCall = '';
  async function* hashed(source: AsyncIterable<Uint8Array>) {
    for await (const chunk of source) {
      digest.update(chunk);
      yield chunk;
    }
  }
  const chunks = hashed(
    input.chunks((bytes) => progress.update(bytes, input.bytes, `bytes, ${counted(taken, 'line')}`)),
  );
  const batches = new Batches(database, tenantId);
  const reception = await receiveBatch(
    readRoster(chunks, { format: input.format, issuer }),
    new BatchIntake(database, tenantId),
    {
      ...{ actor, format: input.format, key: null },
      call: (batchId) => ({
        ...commandIntent('create_provisioning_batch', 'import', actor),
        parameters: { batchId, format: input.format },
      }),
    },
    {
      bodyHash: () => digest.digest('hex'),
      onTaken: (lines) => (taken = lines),
      onBegun: ({ callId }) => (openCall = callId),
    },
  ).finally(() => progress.end());
  const batch = await received(reception, batches, stopping);
  const { lines, refused } = batch.counts;
  const answer = { lines, refused, ...(batch.stopped && { stopped: batch.stopped }) };
  await new PrismaCallLog(database, tenantId, 0).conclude(openCall, { ...commandOutcome, answer });
  if (stopping.aborted && batch.stopped) {
    throw new OperatorProblem(
      `Stopped before line ${batch.stopped.line}. Batch ${batch.id} has the ${counted(batch.counts.lines, 'line')} ` +
        'before it and is being processed. Import the same file again for the rest.',
    );
  }
  terminal.remark(
    `Batch ${batch.id}: accepted ${counted(batch.counts.lines, 'line')}. Processing continues in the background.`,
  );
  return followBatch(batch.id, batches, setting);
}

async function received(
  reception: Reception,
  batches: Batches,
  stopping: AbortSignal,
): Promise<ProvisioningBatch> {
  if (reception.kind === 'unusable') {
    if (stopping.aborted) throw new OperatorProblem('Stopped before any line was accepted.');
    throw new OperatorProblem(`The file cannot be used: ${reception.field} ${reception.why}.`);
  }
  const batch = reception.kind === 'received' ? await batches.progress(reception.batchId) : null;
  if (batch === null) throw new Error('The batch that was just created does not exist.');
  return batch;
}
