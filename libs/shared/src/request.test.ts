import fc from 'fast-check';
import { canBecome, isFinal, openStatuses, RequestStatus, statusesBefore } from './request.ts';

const status = fc.constantFrom(...RequestStatus.options);

describe('request statuses', () => {
  it('never leave a final status', () => {
    fc.assert(fc.property(status, status, (from, to) => !isFinal(from) || !canBecome(from, to)));
  });

  it('can reach a final status from every open one', () => {
    const reaches = (from: RequestStatus, seen: RequestStatus[] = []): boolean =>
      isFinal(from) ||
      RequestStatus.options.some(
        (to) => canBecome(from, to) && !seen.includes(to) && reaches(to, [...seen, from]),
      );
    expect(openStatuses.every((from) => reaches(from))).toBe(true);
  });

  it('list the statuses before another exactly as the table does', () => {
    fc.assert(
      fc.property(status, status, (from, to) => statusesBefore(to).includes(from) === canBecome(from, to)),
    );
  });

  it('succeed or retry only out of running', () => {
    expect(statusesBefore('succeeded')).toEqual(['running']);
    expect(statusesBefore('retrying')).toEqual(['running']);
  });
});
