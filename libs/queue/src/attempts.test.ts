import { randomUUID } from 'node:crypto';
import { nextTry } from './attempts.ts';

const job = { name: 'converge', payload: { requestId: randomUUID() }, priority: 1 } as const;

describe('the next try of a job whose handler threw', () => {
  it('comes after a pause that doubles, as often as the catalog says', () => {
    const pauses: number[] = [];
    for (let tries: number | undefined = 5; tries !== undefined;) {
      const { again, attempt } = nextTry(job, tries, 0);
      expect(attempt).toBe(6 - tries);
      if (again) pauses.push(again.delayMs);
      tries = again?.job.triesLeft;
    }
    expect(pauses).toEqual([500, 1_000, 2_000, 4_000]);
  });

  it('comes no sooner than half of the pause', () => {
    expect(nextTry(job, 5, 0.999).again?.delayMs).toBe(250);
  });

  it.each([0, -3, 1])('is none for a job with %s tries', (tries) => {
    expect(nextTry(job, tries)).toMatchObject({ attempt: 5, again: null });
  });

  it('is one of the catalog’s for a job that says more of itself', () => {
    expect(nextTry(job, 1_000_000)).toMatchObject({ attempt: 1, again: { job: { triesLeft: 4 } } });
  });
});
