import { whenReachable } from './start.ts';

const failing = (times: number, error: unknown) => {
  let tries = 0;
  return async () => {
    tries += 1;
    if (tries <= times) throw error;
    return tries;
  };
};
const told: unknown[] = [];
const logger = { warn: (line: unknown) => void told.push(line) };
beforeEach(() => told.splice(0));
const coded = (code: string) => Object.assign(new Error('away'), { code });

describe('a start while the database is unavailable', () => {
  it.each([
    coded('ECONNREFUSED'),
    coded('57P03'),
    coded('57P01'),
    coded('53300'),
    new Error('Connection terminated unexpectedly'),
    new Error('Query read timeout'),
  ])('waits, and reports it once: %s', async (error) => {
    expect(await whenReachable(logger, 'database', failing(3, error), 1)).toBe(4);
    expect(told).toEqual([expect.objectContaining({ event: 'waiting-for', part: 'database' })]);
  });

  it.each([coded('28P01'), coded('3D000'), coded('42P01'), new Error('no number')])(
    'does not wait when a retry cannot help: %s',
    async (error) => {
      await expect(whenReachable(logger, 'database', failing(1, error), 1)).rejects.toBe(error);
      expect(told).toEqual([]);
    },
  );
});
