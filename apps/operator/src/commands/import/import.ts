import { forecastImport, importPeople, type Imported, type TenantSources } from '@foyer/operations';
import { counted, isId } from '@foyer/shared';
import { OperatorProblem, type Command, type Setting } from '../../command.ts';
import { withTenant } from '../../tenancy.ts';
import { withBox } from '../../with-box.ts';
import { followAndReport } from './follow.ts';
import { reportForecast } from './forecast.ts';
import { openRoster, type RosterInput } from './roster-input.ts';

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
    const config = setting.config();
    const issuer = config.oktaIssuer();
    const input = await openRoster(path, values, setting);
    return values['dry-run']
      ? dryRun(input, issuer, setting)
      : withTenant(config, (sources) => importAndFollow(input, issuer, sources, setting));
  },
};

async function followOnly(id: string, setting: Setting): Promise<number> {
  if (!isId(id)) throw new OperatorProblem('--follow takes the id of a batch.');
  return withTenant(setting.config(), (sources) => followAndReport(id, sources, setting));
}

async function dryRun(input: RosterInput, issuer: string, setting: Setting): Promise<number> {
  const bars = {
    reading: setting.terminal.progress('lines read'),
    listing: setting.terminal.progress('Box users read'),
  };
  const file = { format: input.format, issuer, chunks: input.chunks(() => {}) };
  const result = await withBox(
    setting.config(),
    (sources) =>
      forecastImport(sources, file, {
        stopping: setting.stopping,
        onProgress: (phase, done) => bars[phase].update(done, null),
      }),
    { isBulk: true },
  );
  bars.reading.end();
  bars.listing.end();
  return reportForecast(result, setting.terminal);
}

async function importAndFollow(
  input: RosterInput,
  issuer: string,
  sources: TenantSources,
  setting: Setting,
): Promise<number> {
  const { terminal, stopping, operator } = setting;
  const progress = terminal.progress('reading');
  let accepted = 0;
  const chunks = input.chunks((bytes) =>
    progress.update(bytes, input.bytes, `bytes, ${counted(accepted, 'line')}`),
  );
  const onAccepted = (lines: number) => void (accepted = lines);
  const imported = await importPeople(
    sources,
    { chunks, format: input.format, issuer },
    { operator, stopping, onAccepted },
  ).finally(() => progress.end());
  const { id, counts } = receivedBatch(imported, stopping);
  terminal.remark(
    `Batch ${id}: accepted ${counted(counts.lines, 'line')}. Processing continues in the background.`,
  );
  return followAndReport(id, sources, setting);
}

/** The batch of a file that was read to its end, or to where it is cut off. */
function receivedBatch(imported: Imported, stopping: AbortSignal) {
  if (imported.kind === 'unusable') {
    if (stopping.aborted) throw new OperatorProblem('Stopped before any line was accepted.');
    throw new OperatorProblem(`The file cannot be used: ${imported.field} ${imported.why}.`);
  }
  const { batch } = imported;
  if (stopping.aborted && batch.stopped)
    throw new OperatorProblem(
      `Stopped before line ${batch.stopped.line}. Batch ${batch.id} has the ${counted(batch.counts.lines, 'line')} ` +
        'before it and is being processed. Import the same file again for the rest.',
    );
  return batch;
}
