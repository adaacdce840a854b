import { heartbeatTask } from './heartbeat.ts';

/** Keeps what was written; `fails` makes every write fail. */
function paper(fails = false) {
  const written: string[] = [];
  let notify: () => void = () => {};
  const write = async (what: string) => {
    written.push(what);
    notify();
    if (fails) throw new Error('The database is unavailable.');
  };
  const times = (count: number) =>
    new Promise<void>((resolve) => {
      notify = () => written.length >= count && resolve();
      notify();
    });
  return { written, times, beat: () => write('beat'), leave: () => write('leave') };
}

it('writes at once, then at each interval, and removes its row when it is stopped', async () => {
  const heartbeat = paper();
  const running = heartbeatTask(heartbeat, () => {}, 1);
  await running.start();
  await heartbeat.times(3);
  await running.stop();
  expect(heartbeat.written.slice(0, 3)).toEqual(['beat', 'beat', 'beat']);
  expect(heartbeat.written.filter((what) => what === 'leave')).toEqual(['leave']);
  expect(heartbeat.written.at(-1)).toBe('leave');
});

it('continues after a failed write, and reports each failure', async () => {
  const heartbeat = paper(true);
  const errors: unknown[] = [];
  const running = heartbeatTask(heartbeat, (error) => errors.push(error), 1);
  await running.start();
  await heartbeat.times(2);
  await running.stop();
  expect(errors).toHaveLength(heartbeat.written.length);
});
