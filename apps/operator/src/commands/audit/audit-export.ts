import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { types } from 'node:util';
import { exportAudit } from '@foyer/operations';
import { OperatorProblem, type Command } from '../../command.ts';
import { withTenant } from '../../tenancy.ts';
import { readMonths } from './input.ts';

export const auditExportCommand: Command = {
  path: ['audit', 'export'],
  summary: 'write the audit log as JSON Lines, to store and verify it elsewhere',
  options: { from: { type: 'string' }, to: { type: 'string' }, out: { type: 'string' } },
  help: {
    '--from YYYY-MM': 'first month to write; the default is the oldest',
    '--to YYYY-MM': 'last month to write; the default is the newest',
    '--out FILE': 'the file to write; the default is standard output',
  },
  async run({ terminal, config, stopping }, values) {
    const months = readMonths(values.from, values.to);
    const { FOYER_TENANT: tenant } = config();
    const progress = terminal.progress('blocks');
    const onProgress = (blocks: number, total: number) => progress.update(blocks, total);
    const { kind } = await withTenant(config(), (sources) =>
      exportAudit(sources, { tenant, months, stopping, onProgress }, async (lines) => {
        if (typeof values.out === 'string') await writeFile(values.out, lines);
        else for await (const line of lines) terminal.print(line);
      }),
    );
    if (kind === 'stopped') throw new OperatorProblem('Stopped before the end: the export is not complete.');
    progress.end();
    return 0;
  },
};

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
