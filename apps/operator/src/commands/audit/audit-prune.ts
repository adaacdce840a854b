import {
  AuditPruner,
  firstMonthKept,
  PruningHeldUp,
  type Database,
  type KeptReason,
} from '@foyer/persistence';
import { counted } from '@foyer/shared';
import { readKeepMonths } from '../../audit/input.ts';
import { OperatorProblem, type Command, type Setting } from '../../command.ts';
import { withTenant } from '../../tenancy.ts';

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
    return withTenant(setting.config(), async ({ database, tenantId }) => {
      const month = firstMonthKept(new Date(), keep);
      const months = await new AuditPruner(database, tenantId).months(month);
      for (const { month: each, blocks, rows, tooFresh } of months) {
        const fresh =
          tooFresh === 0 ? '' : `; sealed too recently to be removed: ${counted(tooFresh, 'block')}`;
        setting.terminal.print(`${each}: ${counted(rows, 'row')} in ${counted(blocks, 'block')}${fresh}`);
      }
      const blocks = months.reduce((sum, each) => sum + each.blocks, 0);
      if (blocks === 0) setting.terminal.print(`There is nothing to remove before ${month}.`);
      else if (!values.yes)
        setting.terminal.print(
          `These rows would be removed. Verify and export the audit log first; then call again with --yes.`,
        );
      else return prune(setting, database, tenantId, { month, blocks });
      return 0;
    });
  },
};

/** Each removal is recorded, before it is made, in the chain that it shortens. */
async function prune(
  { terminal, stopping, operator }: Setting,
  database: Database,
  tenantId: string,
  { month, blocks }: { month: string; blocks: number },
): Promise<number> {
  const progress = terminal.progress('blocks');
  const kept: Record<KeptReason, number> = {
    ...{ 'open-request': 0, 'unsettled-create': 0, outcome: 0, pruning: 0 },
  };
  let done = 0;
  let removed = 0;
  try {
    const acts = new AuditPruner(database, tenantId).prune(month, { actor: operator, stopping });
    for await (const act of acts) {
      removed += act.removed;
      for (const reason of Object.keys(reasons) as KeptReason[]) kept[reason] += act.kept[reason];
      done += act.blocks.length;
      progress.update(done, blocks);
    }
  } catch (error) {
    if (!(error instanceof PruningHeldUp)) throw error;
    throw new OperatorProblem(`${error.message} Removed before: ${counted(removed, 'row')}.`);
  } finally {
    progress.end();
  }
  terminal.print(`removed: ${counted(removed, 'row')}`);
  for (const reason of Object.keys(reasons) as KeptReason[])
    if (kept[reason] > 0) terminal.print(`kept: ${kept[reason]} rows ${reasons[reason]}`);
  if (stopping.aborted) terminal.print('Stopped before the end. Call again to continue.');
  return stopping.aborted ? 1 : 0;
}
