import { readStatus, type StatusReport } from '@foyer/operations';
import { counted } from '@foyer/shared';
import type { Command } from '../command.ts';
import { duration, table } from '../table.ts';
import { withTenant } from '../tenancy.ts';
import { shown, type Terminal } from '../terminal.ts';
import { configuredBox } from '../with-box.ts';

export const statusCommand: Command = {
  path: ['status'],
  summary: 'show what runs, how fast, what waits, what failed, and what to do next',
  options: { json: { type: 'boolean' } },
  help: { '--json': 'print the result as JSON' },
  async run({ terminal, config: read }, values) {
    const config = read();
    return withTenant(config, async ({ database, tenantId }) => {
      const status = await readStatus({ database, tenantId, box: configuredBox(config) });
      if (values.json) terminal.json({ tenant: config.FOYER_TENANT, ...status });
      else print(config.FOYER_TENANT, status, terminal);
      return status.problems.length === 0 ? 0 : 1;
    });
  },
};

function print(tenant: string, status: StatusReport, terminal: Terminal): void {
  const { processes, work, failed, budget, problems } = status;
  const { people, groups, waiting, ended, next, batches, audit } = work;
  const section = (title: string, rows: readonly (readonly string[])[]) => {
    terminal.print(`\n${title}`);
    for (const line of table(rows.length === 0 ? [['nothing']] : rows)) terminal.print(`  ${line}`);
  };
  terminal.print(
    `Tenant ${tenant}: ${counted(people.total, 'person', 'people')} (${people.active} active, ${people.withBoxUser} with a Box user` +
      `${people.kept === 0 ? '' : `, ${people.kept} deleted and kept in Box`}), ` +
      `${counted(groups.total, 'group')} (${counted(groups.waitingMembers, 'member')} not in Box yet)`,
  );
  section('Running', processes.map(processRow));
  section(
    'Ended',
    ended.map(({ minutes, succeeded, failed: lost, boxCalls }) => [
      `last ${minutes} min`,
      `${succeeded} succeeded`,
      `${lost} failed`,
      `${counted(boxCalls, 'call')} to Box`,
    ]),
  );
  if (budget !== null) terminal.print(`  ${budgetLine(budget)}`);
  section(
    'Waiting',
    waiting.map(({ status: state, count, interactive, oldestSeconds }) => [
      state,
      `${count}`,
      `${interactive} of people who are signing in`,
      `oldest ${duration(oldestSeconds)}`,
    ]),
  );
  for (const { id, lines, open, isRead } of batches)
    terminal.print(
      `  batch ${id}: ${isRead ? '' : 'being read, '}${counted(lines, 'line')}, ${counted(open, 'request')} open`,
    );
  section(
    'Next',
    next.map(({ requestId, about, code, attempts, inSeconds }) => [
      `in ${duration(inSeconds)}`,
      requestId,
      shown(about),
      `after ${attempts} attempts`,
      code ?? '',
    ]),
  );
  section(
    'Failed',
    failed.map(({ code, count, title, oldest }) => [
      `${count}`,
      code,
      title,
      `oldest of ${oldest.toISOString()}`,
    ]),
  );
  terminal.print(`\n${auditLine(audit)} ${verifiedLine(work.verifiedAt)}`);
  terminal.print(problems.length === 0 ? '\nNothing needs attention.' : '\nNeeds attention');
  for (const problem of problems) terminal.print(`  ${problem}`);
}

const processRow = ({
  app,
  host,
  pid,
  startedAt,
  secondsSinceSeen,
  clockOffsetMs,
}: StatusReport['processes'][number]) => [
  app,
  `${shown(host)}:${pid}`,
  `since ${startedAt.toISOString()}`,
  `heartbeat ${duration(secondsSinceSeen)} ago`,
  Math.abs(clockOffsetMs) >= 1_000 ? `clock ${(clockOffsetMs / 1_000).toFixed(1)} s off` : '',
];

const budgetLine = ({ level, pausedMs }: NonNullable<StatusReport['budget']>): string =>
  pausedMs > 0
    ? `Box asked Foyer to wait: no calls for ${duration(pausedMs / 1_000)}`
    : `${Math.floor(level)} calls to Box can be sent now`;

const auditLine = ({ sealedSecondsAgo, blocks }: StatusReport['work']['audit']): string =>
  sealedSecondsAgo === null
    ? 'Audit log: not sealed yet.'
    : `Audit log: ${counted(blocks, 'block')}, sealed ${duration(sealedSecondsAgo)} ago.`;

const verifiedLine = (at: Date | null): string =>
  at === null ? 'Never verified against Box.' : `Last verified against Box at ${at.toISOString()}.`;
