import { randomUUID } from 'node:crypto';
import { nextTry } from './attempts.ts';

const job = { name: 'converge', payload: { requestId: randomUUID() }, priority: 1 } as const;

describe('the next attempt of a job whose handler threw', () => {
  it('follows after a pause that doubles, as often as the catalog allows', () => {
    const pauses: number[] = [];
    for (let tries: number | undefined = 5; tries !== undefined;) {
      const { again, attempt } = nextTry(job, tries, 0);
      expect(attempt).toBe(6 - tries);
      if (again) pauses.push(again.delayMs);
      tries = again?.job.triesLeft;
    }
    expect(pauses).toEqual([500, 1_000, 2_000, 4_000]);
  });

  it('follows no sooner than half of the pause', () => {
    expect(nextTry(job, 5, 0.999).again?.delayMs).toBe(250);
  });

  it.each([0, -3, 1])('does not exist for a job with %s attempts', (tries) => {
    expect(nextTry(job, tries)).toMatchObject({ attempt: 5, again: null });
  });

  it('is limited by the catalog, even if the job claims more attempts', () => {
    expect(nextTry(job, 1_000_000)).toMatchObject({ attempt: 1, again: { job: { triesLeft: 4 } } });
  });
});
