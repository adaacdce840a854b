import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { types } from 'node:util';
import { readAudit } from '@foyer/persistence';
import { auditFileLines, type AuditPart } from '@foyer/provisioning';
import { readMonths } from '../../audit/input.ts';
import { OperatorProblem, type Command, type Setting } from '../../command.ts';
import { withTenant } from '../../tenancy.ts';

export const auditExportCommand: Command = {
  path: ['audit', 'export'],
  summary: 'write the audit log as JSON Lines, to store and verify it elsewhere',
  options: { from: { type: 'string' }, to: { type: 'string' }, out: { type: 'string' } },
  help: {
    '--from YYYY-MM': 'first month to write; the default is the oldest',
    '--to YYYY-MM': 'last month to write; the default is the newest',
    '--out FILE': 'the file to write; the default is standard output',
  },
  async run(setting, values) {
    const { terminal, config } = setting;
    const months = readMonths(values.from, values.to);
    const { FOYER_TENANT: tenant } = config();
    await withTenant(config(), ({ database, tenantId }) =>
      readAudit(database, tenantId, async ({ totals, unsealed, prunings, parts }) => {
        const about = {
          tenant,
          months,
          exportedAt: new Date().toISOString(),
          unsealed: unsealed.waiting + unsealed.strays.length,
          prunings,
        };
        const lines = auditFileLines(about, counted(parts(), totals.blocks, setting));
        if (typeof values.out === 'string') await writeFile(values.out, lines);
        else for await (const line of lines) terminal.print(line);
      }),
    );
    return 0;
  },
};

async function* counted(
  parts: AsyncIterable<AuditPart>,
  total: number,
  { terminal, stopping }: Setting,
): AsyncGenerator<AuditPart> {
  const progress = terminal.progress('blocks');
  let blocks = 0;
  for await (const part of parts) {
    if (stopping.aborted) throw new OperatorProblem('Stopped before the end: the export is not complete.');
    yield part;
    progress.update(++blocks, total);
  }
  progress.end();
}

/** Written under another name first, so that only a complete export replaces the file at `path`. */
async function writeFile(path: string, lines: AsyncIterable<string>): Promise<void> {
  const unfinished = `${path}.part`;
  try {
    await pipeline(
      lines,
      async function* (source: AsyncIterable<string>) {
        for await (const line of source) yield `${line}\n`;
      },
      createWriteStream(unfinished, { mode: 0o600 }),
    );
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true }).catch(() => {});
    if (types.isNativeError(error) && 'syscall' in error && 'path' in error)
      throw new OperatorProblem(`${path} cannot be written: ${error.message}.`);
    throw error;
  }
}
