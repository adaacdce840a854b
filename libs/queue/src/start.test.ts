import { createConsumer, createQueue } from './index.ts';

const options = {
  databaseUrl: 'postgres://nobody@127.0.0.1:1/none',
  prefix: 'foyer',
  onError: () => undefined,
  putOff: () => undefined,
};
const over = async () => ({ kind: 'over' }) as const;
const everyJob = () => ({ converge: over, 'converge-group': over });

describe('a start with wrong settings', () => {
  it.each(['', 'Foyer', '1st', 'a:b', 'a b', 'x'.repeat(111)])('rejects the prefix %j', async (prefix) => {
    expect(() => createQueue({ ...options, prefix })).toThrow('Queue prefix');
    await expect(
      createConsumer({ ...options, prefix, concurrency: { interactive: 1, background: 1 } }, everyJob()),
    ).rejects.toThrow('Queue prefix');
  });

  it('names the job that has no handler', async () => {
    const handlers = everyJob();
    Reflect.deleteProperty(handlers, 'converge');
    await expect(
      createConsumer({ ...options, concurrency: { interactive: 1, background: 1 } }, handlers),
    ).rejects.toThrow('The job "converge" has no handler');
  });

  it.each([0, -1, 1.5, Number.NaN])('rejects a concurrency of %p', async (concurrency) => {
    for (const wrong of [
      { interactive: concurrency, background: 1 },
      { interactive: 1, background: concurrency },
    ]) {
      await expect(createConsumer({ ...options, concurrency: wrong }, everyJob())).rejects.toThrow(
        'Concurrency',
      );
    }
  });
});
