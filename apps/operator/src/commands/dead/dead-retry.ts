import { planRetries, retryDeadLetters, retryRequest, type TenantSources } from '@foyer/operations';
import { counted, type ErrorCode } from '@foyer/shared';
import { OperatorProblem, type Command, type Setting } from '../../command.ts';
import { codeOption, requestOperand } from '../../dead-letter-options.ts';
import { withTenant } from '../../tenancy.ts';

export const deadRetryCommand: Command = {
  path: ['dead', 'retry'],
  operands: '[REQUEST]',
  summary: 'retry a failed request, or all failed requests with one code',
  options: { code: { type: 'string' }, yes: { type: 'boolean' } },
  help: {
    '--code CODE': 'retry all dead letters with this error code, with low priority',
    '--yes': 'retry; without it, --code only counts',
  },
  async run(setting, values, operands) {
    const code = codeOption(values);
    if (code !== null && operands.length > 0)
      throw new OperatorProblem('dead retry takes a request id or --code, not both.');
    const id = code === null ? requestOperand(operands, 'dead retry') : null;
    return withTenant(setting.config(), (sources) =>
      id === null ? retryAll(code!, values.yes === true, sources, setting) : retryOne(id, sources, setting),
    );
  },
};

async function retryOne(
  id: string,
  sources: TenantSources,
  { terminal, operator }: Setting,
): Promise<number> {
  const admission = await retryRequest(sources, id, operator);
  switch (admission.kind) {
    case 'not-found':
      throw new OperatorProblem(`There is no request ${id} in this tenant.`);
    case 'not-failed':
      throw new OperatorProblem(`Request ${id} has not failed: there is nothing to retry.`);
    case 'deactivated':
      terminal.print(
        'Okta deactivated this person: no request was created. Reactivate the person in Okta first.',
      );
      return 1;
    case 'merged':
      terminal.print(
        `This identity was merged into ${admission.mergedInto}: no request was created. Nothing is left to do for it.`,
      );
      return 1;
    case 'requested':
      terminal.print(
        admission.isNew
          ? `Request ${admission.requestId} was created.`
          : `Request ${admission.requestId} is already open.`,
      );
      return 0;
  }
}

async function retryAll(
  code: ErrorCode,
  isMeant: boolean,
  sources: TenantSources,
  { terminal, stopping, operator }: Setting,
): Promise<number> {
  const plan = await planRetries(sources, code);
  const total = plan.retried + plan.leftOut;
  const leftOut = plan.leftOut > 0 ? `; ${plan.leftOut} of people who are deactivated are left out` : '';
  if (!isMeant || total === 0) {
    terminal.print(`${plan.retried} dead letters of ${code} would be retried${leftOut}.`);
    if (plan.retried > 0) terminal.print('Nothing was changed. To retry them, add --yes.');
    return 0;
  }
  const progress = terminal.progress('retrying');
  const onProgress = (processed: number) => progress.update(processed, total);
  const done = await retryDeadLetters(sources, code, { operator, stopping, onProgress });
  progress.end();
  terminal.print(`Created with low priority: ${counted(done.retried, 'request')}${leftOut}.`);
  if (!stopping.aborted) return 0;
  terminal.remark('Stopped before the end. Run the same command again to continue.');
  return 2;
}
