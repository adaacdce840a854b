import {
  planAuditPruning,
  pruneAudit,
  type AuditPruned,
  type AuditPruningPlan,
  type TenantSources,
} from '@foyer/operations';
import { counted } from '@foyer/shared';
import { OperatorProblem, type Command, type Setting } from '../../command.ts';
import { withTenant } from '../../tenancy.ts';
import { readKeepMonths } from './input.ts';

type KeptReason = keyof AuditPruned['kept'];

const reasons: Readonly<Record<KeptReason, string>> = {
  'open-request': 'of people with an open request',
  'unsettled-create': 'of creates for people without a Box user, which the next attempt needs',
  outcome: 'of calls whose outcome is not pruned',
  pruning: 'that record what was pruned',
};

export const auditPruneCommand: Command = {
  path: ['audit', 'prune'],
  summary: 'remove the rows of old months; the chain stays complete and records who removed them',
  options: { 'keep-months': { type: 'string' }, yes: { type: 'boolean' } },
  help: {
    '--keep-months N': 'full months to keep, in addition to the current month; at least 1',
    '--yes': 'remove the rows; without it, the command only reports what it would remove',
  },
  async run(setting, values) {
    const keep = readKeepMonths(values['keep-months']);
    return withTenant(setting.config(), async (sources) => {
      const plan = await planAuditPruning(sources, keep);
      for (const line of describe(plan)) setting.terminal.print(line);
      if (plan.blocks > 0 && values.yes) return prune(sources, plan, setting);
      setting.terminal.print(
        plan.blocks === 0
          ? `There is nothing to remove before ${plan.before}.`
          : `These rows would be removed. Verify and export the audit log first; then call again with --yes.`,
      );
      return 0;
    });
  },
};

const describe = ({ months }: AuditPruningPlan): string[] =>
  months.map(({ month, blocks, rows, tooFresh }) => {
    const fresh = tooFresh === 0 ? '' : `; sealed too recently to be removed: ${counted(tooFresh, 'block')}`;
    return `${month}: ${counted(rows, 'row')} in ${counted(blocks, 'block')}${fresh}`;
  });

async function prune(
  sources: TenantSources,
  plan: AuditPruningPlan,
  { terminal, stopping, operator }: Setting,
): Promise<number> {
  const progress = terminal.progress('blocks');
  const onProgress = (blocks: number) => progress.update(blocks, plan.blocks);
  const done = await pruneAudit(sources, plan, { operator, stopping, onProgress }).finally(() =>
    progress.end(),
  );
  if (done.problem !== null)
    throw new OperatorProblem(`${done.problem} Removed before: ${counted(done.removed, 'row')}.`);
  terminal.print(`removed: ${counted(done.removed, 'row')}`);
  for (const reason of Object.keys(reasons) as KeptReason[])
    if (done.kept[reason] > 0) terminal.print(`kept: ${done.kept[reason]} rows ${reasons[reason]}`);
  if (done.end === 'finished') return 0;
  terminal.print('Stopped before the end. Call again to continue.');
  return 1;
}
