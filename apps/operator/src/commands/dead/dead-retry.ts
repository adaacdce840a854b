import { DeadLetters, Intake, PrismaCallLog, type Database } from '@foyer/persistence';
import { counted, type ErrorCode } from '@foyer/shared';
import { OperatorProblem, type Command, type Setting } from '../../command.ts';
import { codeOption, requestOperand } from '../../dead-letter-options.ts';
import { commandChange, commandIntent, commandOutcome } from '../../on-record.ts';
import { withTenant } from '../../tenancy.ts';

interface Parts {
  readonly database: Database;
  readonly tenantId: string;
}

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
    return withTenant(setting.config(), (parts) =>
      id === null ? retryAll(code!, values.yes === true, parts, setting) : retryOne(id, parts, setting),
    );
  },
};

async function retryOne(id: string, parts: Parts, { terminal, operator }: Setting): Promise<number> {
  const { database, tenantId } = parts;
  const intent = {
    ...commandIntent('retry_provisioning_request', 'dead retry', operator),
    parameters: { id },
  };
  const admission = await new Intake(database, tenantId).retry(id, {}, commandChange(intent));
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
    case 'requested':
      terminal.print(
        admission.isNew
          ? `Request ${admission.requestId} was created.`
          : `Request ${admission.requestId} is already open.`,
      );
      return 0;
  }
}

async function retryAll(code: ErrorCode, isMeant: boolean, parts: Parts, setting: Setting): Promise<number> {
  const { terminal, stopping, operator } = setting;
  const letters = new DeadLetters(parts.database, parts.tenantId);
  const { count = 0, deactivated = 0 } = (await letters.counts()).find((row) => row.code === code) ?? {};
  const leftOut = deactivated > 0 ? `; ${deactivated} of people who are deactivated are left out` : '';
  if (!isMeant || count === 0) {
    terminal.print(`${count - deactivated} dead letters of ${code} would be retried${leftOut}.`);
    if (count > deactivated) terminal.print('Nothing was changed. To retry them, add --yes.');
    return 0;
  }
  // It makes several changes one after the other, so it is recorded before the first.
  const log = new PrismaCallLog(parts.database, parts.tenantId, 0);
  const callId = await log.intend(
    { requestId: null, identityId: null, lease: null },
    {
      ...commandIntent('retry_provisioning_requests', 'dead retry', operator),
      parameters: { errorCode: code },
    },
  );
  const progress = terminal.progress('retrying');
  const done = await letters.retryAll(code, (sofar) => {
    progress.update(sofar.retried + sofar.deactivated, count);
    return stopping.aborted ? 'stop' : 'go-on';
  });
  progress.end();
  await log.conclude(callId, { ...commandOutcome, answer: { ...done } });
  terminal.print(`Created with low priority: ${counted(done.retried, 'request')}${leftOut}.`);
  if (!stopping.aborted) return 0;
  terminal.remark('Stopped before the end. Run the same command again to continue.');
  return 2;
}
