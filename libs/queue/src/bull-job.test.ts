import { readBullJob } from './bull-job.ts';

const over = () => Promise.resolve({ kind: 'over' as const });
const handlers = { converge: over, 'converge-group': over };
const huge = 'x'.repeat(1_000_000);

describe('an invalid stored job', () => {
  it.each([
    ['an unknown name', 'nonsense', {}, 'there is no job with the name "nonsense"'],
    ['a name that every object has', 'constructor', {}, 'there is no job with the name "constructor"'],
    ['no payload', 'converge', null, 'expected object'],
    ['a payload of another shape', 'converge', { requestId: 12 }, 'requestId: '],
  ])('is reported: %s', (_what, name, payload, told) => {
    expect(readBullJob(handlers, name, payload, { priority: 1 })).toContain(told);
  });

  it.each([
    ['name', huge, {}],
    ['payload', 'converge', { requestId: 'x', [huge]: 1 }],
  ])('is reported in a short log line, however large its %s', (_what, name, payload) => {
    const told = readBullJob(handlers, name, payload, { priority: 1 });
    expect(typeof told === 'string' && told.length).toBeLessThanOrEqual(300);
  });
});
