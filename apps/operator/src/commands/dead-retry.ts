import { DeadLetters, Intake, PrismaCallLog, type Database } from '@foyer/persistence';
import type { ErrorCode } from '@foyer/shared';
import { OperatorProblem, type Command, type Setting } from '../command.ts';
import { codeOption, requestOperand } from '../dead-letter-options.ts';
import { withTenant } from '../tenancy.ts';

interface Parts {
  readonly database: Database;
  readonly tenantId: string;
}

export const deadRetryCommand: Command = {
  path: ['dead', 'retry'],
  operands: '[REQUEST]',
  summary: 'a new request in place of a failed one, or of all of a code',
  options: { code: { type: 'string' }, yes: { type: 'boolean' } },
  help: {
    '--code CODE': 'all dead letters of this error code, in the background of other work',
    '--yes': 'really; without it --code only counts',
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

async function retryOne(id: string, parts: Parts, { terminal }: Setting): Promise<number> {
  const { database, tenantId } = parts;
  const admission = await new Intake(database, tenantId).retry(id);
  switch (admission.kind) {
    case 'not-found':
      throw new OperatorProblem(`There is no request ${id} in this tenant.`);
    case 'not-failed':
      throw new OperatorProblem(`Request ${id} has not failed: there is nothing to retry.`);
    case 'deactivated':
      terminal.print('Okta deactivated this person: nothing was made. Reactivate them in Okta first.');
      return 1;
    case 'requested':
      await record(parts, { id, request: admission.requestId });
      terminal.print(
        admission.isNew
          ? `Request ${admission.requestId} was made.`
          : `Request ${admission.requestId} is open already.`,
      );
      return 0;
  }
}

async function retryAll(code: ErrorCode, isMeant: boolean, parts: Parts, setting: Setting): Promise<number> {
  const { terminal, stopping } = setting;
  const letters = new DeadLetters(parts.database, parts.tenantId);
  const { count = 0, deactivated = 0 } = (await letters.counts()).find((row) => row.code === code) ?? {};
  const leftOut = deactivated > 0 ? `; ${deactivated} of people who are deactivated are left out` : '';
  if (!isMeant || count === 0) {
    terminal.print(`${count - deactivated} dead letters of ${code} would be retried${leftOut}.`);
    if (count > deactivated) terminal.print('Nothing was done yet: add --yes.');
    return 0;
  }
  const progress = terminal.progress('retrying');
  const done = await letters.retryAll(code, (sofar) => {
    progress.update(sofar.retried + sofar.deactivated, count);
    return stopping.aborted ? 'stop' : 'go-on';
  });
  progress.end();
  await record(parts, { errorCode: code, ...done });
  terminal.print(
    `${done.retried} requests were made${leftOut}. They are worked on in the background of other work.`,
  );
  if (!stopping.aborted) return 0;
  terminal.remark('Stopped before the end; the same command goes on.');
  return 2;
}

/** An operator's command that changes something is on record like a call of the API. */
async function record({ database, tenantId }: Parts, parameters: Record<string, unknown>): Promise<void> {
  await new PrismaCallLog(database, tenantId, 0).record(
    { requestId: null, identityId: null, lease: null },
    {
      direction: 'in',
      system: 'foyer',
      operation: 'retry_provisioning_requests',
      method: 'RUN',
      path: 'dead retry',
      actor: 'operator',
      parameters,
    },
    { result: 'ok', status: null, error: null, answer: null, durationMs: 0 },
  );
}
