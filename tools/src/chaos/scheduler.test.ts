import { Actor, never, Scheduler } from './scheduler.ts';

it('reports an actor that does two things at once, instead of waiting for the first one without end', async () => {
  const scheduler = new Scheduler();
  scheduler.spawn(new Actor('worker', 1), 'worker', async (thread) => {
    void scheduler.reach(thread, 'one');
    void scheduler.reach(thread, 'two');
    await never();
  });
  const [ready] = scheduler.ready();
  await scheduler.step(ready!.thread, ready!.parked, null);
  expect(scheduler.faults).toEqual(['worker.1 worker reached "two" while it waits at "one"']);
  expect(scheduler.ready()).toMatchObject([{ parked: { boundary: 'one' } }]);
});
