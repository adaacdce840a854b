import {
  verifyAudit,
  verifyAuditExport,
  type AuditVerdict,
  type AuditVerification,
  type NotedHead,
} from '@foyer/operations';
import { counted } from '@foyer/shared';
import { OperatorProblem, type Command, type Setting } from '../../command.ts';
import { chunksOf, sizeOfFile } from '../../input-file.ts';
import { withTenant } from '../../tenancy.ts';
import { readHead, readHeads } from './input.ts';

export const auditVerifyCommand: Command = {
  path: ['audit', 'verify'],
  summary: 'check that no row of the audit log was changed, removed or inserted',
  options: {
    file: { type: 'string' },
    head: { type: 'string' },
    heads: { type: 'string' },
    json: { type: 'boolean' },
  },
  help: {
    '--file EXPORT': 'check a file written by `audit export`; needs no database',
    '--head SEQ:HASH': 'the chain must contain this block, which was stored earlier',
    '--heads FILE': 'the chain must contain each block in this file: lines of a log, or of `audit head`',
    '--json': 'print the result as JSON',
  },
  async run(setting, values) {
    const heads = [...readHead(values.head)];
    if (typeof values.heads === 'string') heads.push(...(await readHeads(values.heads)));
    const verdict =
      typeof values.file === 'string'
        ? await ofFile(setting, values.file, heads)
        : await ofDatabase(setting, heads);
    if (values.json) setting.terminal.json({ intact: verdict.findings === 0, ...verdict });
    else for (const line of report(verdict)) setting.terminal.print(line);
    return verdict.findings === 0 ? 0 : 1;
  },
};

async function ofDatabase(
  { terminal, config, stopping }: Setting,
  heads: readonly NotedHead[],
): Promise<AuditVerdict> {
  const { FOYER_TENANT: tenant } = config();
  const progress = terminal.progress('rows');
  const onProgress = (rows: number, total: number) => progress.update(rows, total);
  const result = await withTenant(config(), (sources) =>
    verifyAudit(sources, tenant, { heads, stopping, onProgress }),
  );
  return verdictOf(result, progress);
}

async function ofFile(
  { terminal, stopping }: Setting,
  path: string,
  heads: readonly NotedHead[],
): Promise<AuditVerdict> {
  const size = await sizeOfFile(path);
  const progress = terminal.progress('bytes');
  const chunks = chunksOf(path, (bytes) => progress.update(bytes, size));
  const result = await verifyAuditExport(chunks, { heads, stopping });
  if (result.kind === 'not-an-export') throw new OperatorProblem(result.why);
  return verdictOf(result, progress);
}

function verdictOf(result: AuditVerification, progress: { end(): void }): AuditVerdict {
  if (result.kind === 'stopped')
    throw new OperatorProblem('Stopped before the end: the rest was not checked.');
  progress.end();
  return result.verdict;
}

function report(verdict: AuditVerdict): string[] {
  const { tenant, blocks, rows, head, prunedMonths, prunings, findings, first, unsealed, oldestUnsealedAt } =
    verdict;
  const since = oldestUnsealedAt === null ? '' : `, the oldest of ${oldestUnsealedAt}`;
  return [
    findings === 0
      ? `intact: tenant ${tenant}, ${counted(rows, 'row')} in ${counted(blocks, 'block')}`
      : `NOT INTACT: tenant ${tenant}, ${counted(findings, 'finding')}; unchanged: ${counted(rows, 'row')} in ${counted(blocks, 'block')}`,
    ...first.map(({ text }, at) => `${at === 0 ? 'first' : '     '}  ${text}`),
    ...(findings > first.length ? [`       and ${findings - first.length} more`] : []),
    ...(head === null ? [] : [`head: ${head.seq}:${head.hash}, sealed at ${head.sealedAt}`]),
    ...(prunedMonths.length === 0 ? [] : [`pruned: ${prunedMonths.join(', ')}`]),
    ...prunings.map(
      ({ id, at, actor, rows: gone }) =>
        `        ${counted(gone, 'row')} by ${actor ?? 'an unknown actor'} at ${at}, call ${id}`,
    ),
    ...(unsealed === null ? [] : [`not sealed yet: ${counted(unsealed, 'row')}${since}`]),
  ];
}
