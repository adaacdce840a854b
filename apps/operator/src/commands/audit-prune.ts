import {
  AuditPruner,
  firstMonthKept,
  PrismaCallLog,
  type Database,
  type KeptReason,
} from '@foyer/persistence';
import { readKeepMonths } from '../audit/input.ts';
import type { Command, Setting } from '../command.ts';
import { withTenant } from '../tenancy.ts';

const nobody = { requestId: null, identityId: null, lease: null };

const reasons: Readonly<Record<KeptReason, string>> = {
  'open-request': 'of people with an open request',
  'unsettled-create': 'about creates for people without a Box user: their next turn asks for them',
  outcome: 'about calls whose outcome is not pruned',
};

export const auditPruneCommand: Command = {
  path: ['audit', 'prune'],
  summary: 'remove the rows of old months; the chain stays whole',
  options: { 'keep-months': { type: 'string' }, yes: { type: 'boolean' } },
  help: {
    '--keep-months N': 'whole months to keep, besides the current one; at least 1',
    '--yes': 'do it; without it only what would go is told',
  },
  async run(setting, values) {
    const keep = readKeepMonths(values['keep-months']);
    return withTenant(setting.config(), async ({ database, tenantId }) => {
      const month = firstMonthKept(new Date(), keep);
      const months = await new AuditPruner(database, tenantId).months(month);
      for (const { month: each, blocks, rows, tooFresh } of months) {
        const fresh = tooFresh === 0 ? '' : `; ${tooFresh} blocks were sealed too lately to go`;
        setting.terminal.print(`${each}: ${rows} rows in ${blocks} blocks${fresh}`);
      }
      const blocks = months.reduce((sum, each) => sum + each.blocks, 0);
      if (blocks === 0) setting.terminal.print(`Nothing before ${month} is to go.`);
      else if (!values.yes)
        setting.terminal.print(`This would go. Verify and export first; then call again with --yes.`);
      else return prune(setting, database, tenantId, { month, blocks });
      return 0;
    });
  },
};

/** The removal is on record itself, in the chain it shortens. */
async function prune(
  { terminal, stopping, operator }: Setting,
  database: Database,
  tenantId: string,
  { month, blocks }: { month: string; blocks: number },
): Promise<number> {
  const log = new PrismaCallLog(database, tenantId, 0);
  const intent = {
    direction: 'in',
    system: 'foyer',
    operation: 'prune_audit_log',
    method: 'DELETE',
    path: '/audit',
    actor: operator,
    parameters: { before: month, blocks },
  } as const;
  const began = performance.now();
  const callId = await log.intend(nobody, intent);
  const progress = terminal.progress('blocks');
  const kept: Record<KeptReason, number> = { 'open-request': 0, 'unsettled-create': 0, outcome: 0 };
  let done = 0;
  let removed = 0;
  for await (const block of new AuditPruner(database, tenantId).prune(month, stopping)) {
    removed += block.removed;
    for (const reason of Object.keys(reasons) as KeptReason[]) kept[reason] += block.kept[reason];
    progress.update(++done, blocks);
  }
  progress.end();
  const durationMs = performance.now() - began;
  await log.conclude(callId, {
    result: 'ok',
    status: null,
    error: null,
    answer: { rows: removed, kept },
    durationMs,
  });
  terminal.print(`removed: ${removed} rows`);
  for (const reason of Object.keys(reasons) as KeptReason[])
    if (kept[reason] > 0) terminal.print(`kept: ${kept[reason]} rows ${reasons[reason]}`);
  if (stopping.aborted) terminal.print('Stopped before the end; call again to go on.');
  return stopping.aborted ? 1 : 0;
}
