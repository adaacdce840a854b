import { jest } from '@jest/globals';
import { Metrics } from '../metrics.ts';
import type { Readiness } from '../health.ts';
import { BackgroundTasks } from './background-tasks.ts';
import { RepeatedTask, type RepeatedTaskOptions } from './repeated-task.ts';

const ready: Readiness = { ready: true, parts: { database: 'ok' } };
const hangs = () => new Promise<void>(() => {});
const task = (name: string, round: RepeatedTaskOptions['round'], more: Partial<RepeatedTaskOptions> = {}) =>
  new RepeatedTask({ name, intervalMs: 1, round, onError: () => undefined, ...more });

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setImmediate(resolve));
}

describe('a repeated task', () => {
  it('runs no round when it is stopped before it is started, and does not end twice', async () => {
    const seen: string[] = [];
    const quiet = task('quiet', async () => void seen.push('round'), {
      atEnd: async () => void seen.push('end'),
    });
    await quiet.stop();
    await quiet.start();
    await quiet.stop();
    expect(seen).toEqual([]);
  });

  it('runs one loop when it is started twice', async () => {
    let [atOnce, most, rounds] = [0, 0, 0];
    const busy = task('busy', async () => {
      most = Math.max(most, ++atOnce);
      await new Promise((resolve) => setImmediate(resolve));
      atOnce -= 1;
      rounds += 1;
    });
    await Promise.all([busy.start(), busy.start()]);
    await until(() => rounds > 3);
    await busy.stop();
    expect(most).toBe(1);
  });

  it('waits at the stop for the running round, aborts it, and runs no other', async () => {
    const seen: string[] = [];
    let finish = () => {};
    const slow = task('slow', async (stopping) => {
      seen.push('begins');
      await new Promise<void>((resolve) => (finish = resolve));
      seen.push(stopping.aborted ? 'ends, told' : 'ends');
    });
    await slow.start();
    await until(() => seen.length === 1);
    const stopped = slow.stop().then(() => seen.push('stopped'));
    await new Promise((resolve) => setImmediate(resolve));
    finish();
    await stopped;
    expect(seen).toEqual(['begins', 'ends, told', 'stopped']);
  });

  it('continues after a round that throws, and is healthy again after one that succeeds', async () => {
    const errors: unknown[] = [];
    let isAway = true;
    const moody = task(
      'moody',
      async () => {
        if (isAway) throw new Error('The table is locked.');
      },
      { onError: (error) => errors.push(error) },
    );
    await moody.start();
    await until(() => errors.length > 1);
    expect(moody.state()).toMatchObject({ lastError: 'The table is locked.' });
    expect(moody.state().failingMs).toBeGreaterThan(0);
    isAway = false;
    await until(() => moody.state().lastError === null);
    expect(moody.state().failingMs).toBe(0);
    await moody.stop();
  });

  it('rejects the start with the error of a first round that it waits for, and can be started again', async () => {
    let rounds = 0;
    const first = task(
      'first',
      async () => {
        if (++rounds === 1) throw new Error('Not yet.');
      },
      { waitsForFirstRound: true },
    );
    await expect(first.start()).rejects.toThrow('Not yet.');
    await first.start();
    expect(rounds).toBeGreaterThan(1);
    await first.stop();
  });

  it('pauses for as long as the round returns', async () => {
    let rounds = 0;
    const paced = task('paced', async () => (++rounds < 3 ? 0 : 1_000_000), { intervalMs: 1_000_000 });
    await paced.start();
    await until(() => rounds === 3);
    await paced.stop();
  });
});

describe('all tasks of a process', () => {
  it('start in their order, and all stop', async () => {
    const seen: string[] = [];
    const tasks = new BackgroundTasks();
    for (const name of ['one', 'two']) {
      tasks.add(
        task(name, async () => void seen.push(`${name} runs`), {
          ...{ intervalMs: 1_000_000, waitsForFirstRound: true },
          atEnd: async () => void seen.push(`${name} ends`),
        }),
      );
    }
    await tasks.start();
    await Promise.all([tasks.stop(), tasks.stop()]);
    expect(seen).toEqual(['one runs', 'two runs', 'one ends', 'two ends']);
  });

  describe('that share one deadline at the stop', () => {
    const drainMs = 17_000;
    beforeEach(() => jest.useFakeTimers());
    afterEach(() => jest.useRealTimers());

    it('have their drain although others hang, and all that hang have the time of one', async () => {
      const seen: string[] = [];
      const tasks = new BackgroundTasks({ drainMs });
      let finish = () => {};
      const slow = () => new Promise<void>((resolve) => (finish = resolve));
      tasks.add(task('slow', slow, { atEnd: async () => void seen.push('slow ends') }));
      for (const name of ['stuck', 'jammed']) tasks.add(task(name, hangs));
      await tasks.start();
      const stopped = tasks.stop().then(
        () => seen.push('stopped'),
        (error: Error) => seen.push(error.message),
      );
      await jest.advanceTimersByTimeAsync(drainMs - 1);
      finish();
      await jest.advanceTimersByTimeAsync(0);
      expect(seen).toEqual(['slow ends']);
      await jest.advanceTimersByTimeAsync(1);
      await stopped;
      expect(seen[1]).toBe(
        'stuck: The current round did not end within 17000 ms. jammed: The current round did not end within 17000 ms.',
      );
    });

    it('leave no timer behind, and name the one whose stop fails', async () => {
      const tasks = new BackgroundTasks({ drainMs });
      tasks.add(task('well', async () => {}, { intervalMs: 1_000_000 }));
      tasks.add(task('sour', async () => {}, { atEnd: () => Promise.reject(new Error('No space left.')) }));
      await tasks.start();
      await expect(tasks.stop()).rejects.toThrow('sour: No space left.');
      expect(jest.getTimerCount()).toBe(0);
    });
  });

  it('show in /readyz and the metrics what has failed or hung for too long, and stay ready', async () => {
    const tasks = new BackgroundTasks({ warnAfterMs: 20, drainMs: 1 });
    const metrics = new Metrics('test');
    tasks.measure(metrics);
    const url = 'postgresql://foyer:hunter2@db.internal:5432/foyer';
    tasks.add(task('well', async () => {}));
    tasks.add(task('broken', () => Promise.reject(new Error(`No such table at ${url}`))));
    tasks.add(task('stuck', hangs));
    await tasks.start();
    expect(tasks.warnIn(ready)).toEqual(ready);
    await until(() => Object.keys(tasks.warnIn(ready).warnings ?? {}).length === 2);
    expect(tasks.warnIn({ ...ready, warnings: { okta: 'Away.' } })).toEqual({
      ...ready,
      warnings: {
        okta: 'Away.',
        broken: 'Its rounds have failed for 0 s. The last error: No such table at [address]',
        stuck: 'Its current round has run for 0 s.',
      },
    });
    const page = await metrics.page();
    expect(page).toMatch(/foyer_background_task_failing_seconds\{task="broken",app="test"\} 0\.\d+/);
    expect(page).toMatch(/foyer_background_task_round_seconds\{task="stuck",app="test"\} 0\.\d+/);
    expect(page).toMatch(/foyer_background_task_failing_seconds\{task="well",app="test"\} 0\n/);
    await tasks.stop().catch(() => undefined);
  });

  it('have different names', () => {
    const tasks = new BackgroundTasks();
    tasks.add(task('same', hangs));
    expect(() => tasks.add(task('same', hangs))).toThrow('Two background tasks have the name same.');
  });
});
