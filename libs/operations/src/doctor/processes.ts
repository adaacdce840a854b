import { runningProcesses, workOverview, type Database, type RunningProcess } from '@foyer/persistence';
import type { JobQueue } from '@foyer/provisioning';
import { counted } from '@foyer/shared';
import { failed, ok, warning, type Check, type Finding } from './check.ts';
import { CLOCK_LIMIT_S } from './database.ts';

/** On a busy machine the queue's first answer takes seconds, because its connection is opened for it. */
const QUEUE_TIMEOUT_MS = 10_000;
const QUEUED_TOO_LONG_S = 60;

export const processChecks = (database: Database, tenantId: string, queue: JobQueue): Check[] => [
  {
    name: 'queue',
    remedy:
      'Check REDIS_URL, and that Redis runs and is not a replica. Until then provisioners read the requests from the database: slower, but none is lost.',
    run: async () => {
      await queue.ping(QUEUE_TIMEOUT_MS);
      const { interactive, background } = await queue.depth();
      const count = (lane: typeof interactive) => `${lane.waiting} waiting, ${lane.active} active`;
      return ok(`The queue answers. Interactive: ${count(interactive)}; background: ${count(background)}.`);
    },
  },
  {
    name: 'gateways and provisioners',
    remedy: 'Check DATABASE_URL.',
    run: async () => runningFinding(await runningProcesses(database, tenantId)),
  },
  {
    name: 'clocks of the processes',
    remedy: 'Check DATABASE_URL.',
    run: async () => clocksFinding(await runningProcesses(database, tenantId)),
  },
  {
    name: 'work',
    remedy: 'Check DATABASE_URL.',
    run: async () => {
      const { waiting } = await workOverview(database, tenantId);
      const queued = waiting.find(({ status }) => status === 'queued');
      if (queued === undefined || queued.oldestSeconds <= QUEUED_TOO_LONG_S)
        return ok('No request has been queued for more than a minute.');
      return failed(
        `${queued.count} ${queued.count === 1 ? 'request is' : 'requests are'} queued, the oldest for ${Math.round(queued.oldestSeconds)} s.`,
        'Start a provisioner of this tenant, or look in its log for not-ready, box-app-changed and relay-failed. A large import waits for Box’s limit, which is no fault: npm run foyer -- status shows its speed.',
      );
    },
  },
];

/** The finding for the processes that run. Pure. */
export function runningFinding(processes: readonly RunningProcess[]): Finding {
  const count = (app: RunningProcess['app']) => processes.filter((process) => process.app === app).length;
  const [gateways, provisioners] = [count('gateway'), count('provisioner')];
  const detail = `${counted(gateways, 'gateway')} and ${counted(provisioners, 'provisioner')} run.`;
  if (gateways > 0 && provisioners > 0) return ok(detail);
  const missing = [gateways === 0 ? 'a gateway' : '', provisioners === 0 ? 'a provisioner' : ''];
  return failed(
    detail,
    `Start ${missing.filter((word) => word !== '').join(' and ')} with this DATABASE_URL and FOYER_TENANT. If it runs, look in its log for heartbeat-failed, which has the reason.`,
  );
}

/** The finding for the clocks of the processes. Pure. */
export function clocksFinding(processes: readonly RunningProcess[]): Finding {
  const wrong = processes.filter(({ clockOffsetMs }) => Math.abs(clockOffsetMs) >= CLOCK_LIMIT_S * 1_000);
  if (processes.length === 0) return warning('No process runs.', 'Start a gateway and a provisioner.');
  if (wrong.length === 0) return ok('All clocks are within half a minute of the database’s.');
  const each = wrong.map(({ app, host, pid, clockOffsetMs }) => {
    const seconds = Math.abs(clockOffsetMs / 1000).toFixed(1);
    return `${app} ${host}:${pid} is ${seconds} s ${clockOffsetMs > 0 ? 'ahead of' : 'behind'} the database`;
  });
  return failed(`${each.join('; ')}.`, 'Let NTP set these machines’ clocks, for example with chrony.');
}
