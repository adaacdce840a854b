import type { RunningProcess, WorkOverview } from '@foyer/persistence';
import { problemsOf } from './status.ts';

const running = (app: RunningProcess['app']): RunningProcess => ({
  id: '7d0f6f3a-1c1e-4a53-8f3f-5f7b8d2c4e02',
  app,
  host: 'host',
  pid: 1,
  startedAt: new Date('2026-11-30T09:00:00Z'),
  secondsSinceSeen: 1,
  clockOffsetMs: 0,
});
const calm: WorkOverview = {
  people: { total: 1, active: 1, withBoxUser: 1, kept: 0 },
  groups: { total: 0, waitingMembers: 0 },
  waiting: [],
  ended: [
    { minutes: 5, succeeded: 1, failed: 0, boxCalls: 1 },
    { minutes: 60, succeeded: 1, failed: 0, boxCalls: 1 },
  ],
  next: [],
  batches: [],
  audit: { sealedSecondsAgo: 5, blocks: 1 },
  verifiedAt: null,
};
const both = [running('gateway'), running('provisioner')];
const queued = (oldestSeconds: number) => [
  { status: 'queued' as const, count: 1, interactive: 1, groups: 0, oldestSeconds },
];

it('reports no problem for two processes, recent work and a sealed log', () => {
  expect(problemsOf({ processes: both, work: { ...calm, waiting: queued(59) }, failed: [] })).toEqual([]);
});

it('names each app that is not running', () => {
  expect(problemsOf({ processes: [], work: calm, failed: [] })).toEqual([
    expect.stringMatching(/^No gateway runs/),
    expect.stringMatching(/^No provisioner runs/),
  ]);
});

it('reports a request that waits too long as not processed, unless no provisioner runs', () => {
  const work = { ...calm, waiting: queued(61) };
  expect(problemsOf({ processes: both, work, failed: [] })).toEqual([
    expect.stringMatching(/queued for 61 s/),
  ]);
  expect(problemsOf({ processes: [running('gateway')], work, failed: [] })).toEqual([
    expect.stringMatching(/^No provisioner runs/),
  ]);
});

it('counts failures of all error codes', () => {
  const failed = [1, 2].map((count) => ({
    code: 'box_forbidden' as const,
    count,
    oldest: new Date(),
    title: '',
    remedy: '',
  }));
  expect(problemsOf({ processes: both, work: calm, failed })).toEqual([expect.stringContaining(': 3.')]);
});

it('reports an unsealed log only while there are rows to seal', () => {
  const audit = { sealedSecondsAgo: 3_600, blocks: 1 };
  expect(problemsOf({ processes: both, work: { ...calm, audit }, failed: [] })).toEqual([
    expect.stringMatching(/last sealed 60 minutes ago/),
  ]);
  const idle = { ...calm, audit, ended: calm.ended.map((window) => ({ ...window, boxCalls: 0 })) };
  expect(problemsOf({ processes: both, work: idle, failed: [] })).toEqual([]);
});
