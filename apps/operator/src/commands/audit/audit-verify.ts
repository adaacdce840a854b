import { readAudit } from '@foyer/persistence';
import {
  AuditChainCheck,
  AuditFileProblem,
  checkAuditFile,
  readAct,
  type AuditSummary,
} from '@foyer/provisioning';
import { counted } from '@foyer/shared';
import { headsFor, headsOf, type NotedHead } from '../../audit/heads.ts';
import { readHead } from '../../audit/input.ts';
import { linesOf, sizeOfFile } from '../../audit/lines.ts';
import { OperatorProblem, type Command, type Setting } from '../../command.ts';
import { withTenant } from '../../tenancy.ts';

interface Verdict extends AuditSummary {
  readonly tenant: string;
  /** The number of rows that are not in a block yet; null when the file does not tell. */
  readonly unsealed: number | null;
  readonly oldestUnsealedAt: string | null;
}

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
    if (typeof values.heads === 'string') heads.push(...(await headsOf(values.heads)));
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
): Promise<Verdict> {
  const { FOYER_TENANT: tenant } = config();
  return withTenant(config(), ({ database, tenantId }) =>
    readAudit(database, tenantId, async ({ totals, unsealed, prunings, parts }) => {
      const check = new AuditChainCheck({
        heads: headsFor(tenant, heads),
        strays: unsealed.strays,
        acts: prunings.flatMap(({ line }) => readAct(line) ?? []),
      });
      const progress = terminal.progress('rows');
      let rows = 0;
      for await (const part of parts()) {
        if (stopping.aborted) throw new OperatorProblem('Stopped before the end: the rest was not checked.');
        check.add(part);
        rows += part.entries?.length ?? 0;
        progress.update(rows, totals.rows);
      }
      progress.end();
      const oldestUnsealedAt = unsealed.oldestAt?.toISOString() ?? null;
      return { tenant, ...check.finish(), unsealed: unsealed.waiting, oldestUnsealedAt };
    }),
  );
}

async function ofFile(
  { terminal, stopping }: Setting,
  path: string,
  heads: readonly NotedHead[],
): Promise<Verdict> {
  const size = await sizeOfFile(path);
  const check = new AuditChainCheck({ headsOf: (tenant) => headsFor(tenant, heads) });
  const progress = terminal.progress('bytes');
  const lines = linesOf(path, (bytes) => {
    if (stopping.aborted) throw new OperatorProblem('Stopped before the end: the rest was not checked.');
    progress.update(bytes, size);
  });
  try {
    const { start, end } = await checkAuditFile(lines, check);
    progress.end();
    return {
      tenant: start.tenant,
      ...check.finish(),
      unsealed: end?.unsealed ?? null,
      oldestUnsealedAt: null,
    };
  } catch (error) {
    if (error instanceof AuditFileProblem) throw new OperatorProblem(error.message);
    throw error;
  }
}

function report(verdict: Verdict): string[] {
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
