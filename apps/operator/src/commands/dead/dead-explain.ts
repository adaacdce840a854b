import { explainRequest, type ExplainedRequest } from '@foyer/operations';
import type { ApiCall } from '@foyer/shared';
import { OperatorProblem, type Command } from '../../command.ts';
import { requestOperand } from '../../dead-letter-options.ts';
import { withTenant } from '../../tenancy.ts';
import { shown, type Terminal } from '../../terminal.ts';

export const deadExplainCommand: Command = {
  path: ['dead', 'explain'],
  operands: 'REQUEST',
  summary: 'explain a request: its timeline, its calls to Box, and what to do',
  options: { json: { type: 'boolean' } },
  help: { '--json': 'print the result as JSON' },
  async run({ terminal, config }, values, operands) {
    const id = requestOperand(operands, 'dead explain');
    return withTenant(config(), async (sources) => {
      const explained = await explainRequest(sources, id);
      if (explained === null) throw new OperatorProblem(`There is no request ${id} in this tenant.`);
      const { request, identity, group, calls, advice, isDead } = explained;
      if (values.json) terminal.json({ request, identity, group, calls, advice });
      else explain(explained, terminal);
      return isDead ? 1 : 0;
    });
  },
};

function explain(
  { request, identity, group, calls, advice, isCut }: ExplainedRequest,
  terminal: Terminal,
): void {
  const { error } = request;
  terminal.print(
    `Request ${request.id}: ${request.status}${request.outcome ? ` (${request.outcome})` : ''}, ${request.cause}`,
  );
  if (identity !== null)
    terminal.print(
      `Identity ${identity.id}: ${shown(identity.username)}, subject ${shown(identity.subject)}, Box user ${request.boxUserId ?? 'none'}`,
    );
  if (request.groupId !== null)
    terminal.print(
      `Group ${request.groupId}: ${group === null ? 'deleted' : `"${shown(group.displayName)}"`}, Box group ${request.boxGroupId ?? 'none'}`,
    );
  if (error !== null) {
    terminal.print(
      `Error ${error.code}: ${error.title}${error.detail === null ? '' : `\n  ${error.detail}`}`,
    );
    terminal.print(`  docs/errors.md#${error.code}`);
  }
  terminal.print('\nTimeline');
  for (const { at, event, detail } of request.timeline)
    terminal.print(`  ${at}  ${event}${detail === null ? '' : `: ${detail}`}`);
  terminal.print(
    isCut ? `\nIts last ${calls.length} calls` : calls.length === 0 ? '\nIt sent no calls.' : '\nCalls',
  );
  for (const call of calls.toReversed()) terminal.print(`  ${lineOf(call)}`);
  terminal.print(`\nWhat to do: ${advice}`);
}

const lineOf = ({ at, operation, method, path, result, status, error }: ApiCall): string =>
  `${at}  ${operation} ${method} ${path}: ${result}${status === null ? '' : ` ${status}`}${error === null ? '' : `, ${error}`}`;
