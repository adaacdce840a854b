import { ApiCalls, Identities, Requests, ScimGroups, type About, type ScimGroup } from '@foyer/persistence';
import { remedyOf, type ApiCall, type Identity, type ProvisioningRequest } from '@foyer/shared';
import { OperatorProblem, type Command } from '../../command.ts';
import { requestOperand } from '../../dead-letter-options.ts';
import { withTenant } from '../../tenancy.ts';
import { shown, type Terminal } from '../../terminal.ts';

/** A request that was tried for hours made many calls, and the last ones show why it failed. */
const CALLS = 200;

export const deadExplainCommand: Command = {
  path: ['dead', 'explain'],
  operands: 'REQUEST',
  summary: 'explain a request: its timeline, its calls to Box, and what to do',
  options: { json: { type: 'boolean' } },
  help: { '--json': 'print the result as JSON' },
  async run({ terminal, config }, values, operands) {
    const id = requestOperand(operands, 'dead explain');
    return withTenant(config(), async ({ database, tenantId }) => {
      const requests = new Requests(database, tenantId);
      const found = await requests.find(id, {});
      if (found === null) throw new OperatorProblem(`There is no request ${id} in this tenant.`);
      const { request } = found;
      const { identityId, groupId } = request;
      const identity = identityId === null ? null : await new Identities(database, tenantId).find(identityId);
      const group = groupId === null ? null : await new ScimGroups(database, tenantId).find(groupId, false);
      const calls = await new ApiCalls(database, tenantId).list({ requestId: id, limit: CALLS });
      const about: About = identityId === null ? { groupId: groupId! } : { identityId };
      const newest = (await requests.newest(about))!;
      const advice = adviceOn(request, identity, newest);
      if (values.json) terminal.json({ request, identity, group, calls: calls.items, advice });
      else
        explain(
          { request, identity, group, calls: calls.items, advice, isCut: calls.nextCursor !== null },
          terminal,
        );
      return request.status === 'failed' && newest.id === id ? 1 : 0;
    });
  },
};

function adviceOn(
  request: ProvisioningRequest,
  identity: Identity | null,
  newest: ProvisioningRequest,
): string {
  if (newest.id !== request.id)
    return `No action is needed: a newer request, ${newest.id}, is ${newest.status}.`;
  if (request.status !== 'failed') return `No action is needed: the request is ${request.status}.`;
  if (identity && !identity.active && identity.boxAccount === null)
    return 'Okta deactivated this person. Do nothing, or reactivate the person in Okta first.';
  const remedy = request.error === null ? '' : remedyOf(request.error.code, true);
  return `${remedy} Then: dead retry ${request.id}`.trim();
}

interface Explained {
  readonly request: ProvisioningRequest;
  readonly identity: Identity | null;
  readonly group: ScimGroup | null;
  readonly calls: readonly ApiCall[];
  readonly advice: string;
  readonly isCut: boolean;
}

function explain({ request, identity, group, calls, advice, isCut }: Explained, terminal: Terminal): void {
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
    isCut ? `\nIts last ${CALLS} calls` : calls.length === 0 ? '\nIt sent no calls.' : '\nCalls',
  );
  for (const call of calls.toReversed()) terminal.print(`  ${lineOf(call)}`);
  terminal.print(`\nWhat to do: ${advice}`);
}

const lineOf = ({ at, operation, method, path, result, status, error }: ApiCall): string =>
  `${at}  ${operation} ${method} ${path}: ${result}${status === null ? '' : ` ${status}`}${error === null ? '' : `, ${error}`}`;
