import { Lanes } from './lanes.ts';
import { TaskList } from './tasks.ts';

/** Work that ends when told to, and reports when it started. */
function work(began: string[], name: string): { run: () => Promise<void>; end: () => void } {
  const gate = Promise.withResolvers<undefined>();
  return {
    run: async () => {
      began.push(name);
      await gate.promise;
    },
    end: () => gate.resolve(undefined),
  };
}

const settled = (): Promise<void> => new Promise((go) => setImmediate(go));

describe('lanes', () => {
  it('run the work of one lane in order, and no more lanes at once than allowed', async () => {
    const began: string[] = [];
    const [a1, a2, b, c] = ['a1', 'a2', 'b', 'c'].map((name) => work(began, name));
    const lanes = new Lanes(2);
    const ends = [
      lanes.add('a', a1?.run ?? fail),
      lanes.add('a', a2?.run ?? fail),
      lanes.add('b', b?.run ?? fail),
      lanes.add('c', c?.run ?? fail),
    ];
    await settled();
    expect([began, lanes.pending]).toEqual([['a1', 'b'], 4]);
    b?.end();
    await settled();
    expect(began).toEqual(['a1', 'b', 'c']);
    a1?.end();
    await settled();
    expect(began).toEqual(['a1', 'b', 'c', 'a2']);
    let idle = false;
    const waited = lanes.idle().then(() => (idle = true));
    a2?.end();
    await settled();
    expect([idle, lanes.pending]).toEqual([false, 1]);
    c?.end();
    await Promise.all([waited, ...ends]);
    expect([idle, lanes.pending]).toEqual([true, 0]);
  });
});

it('the task list drops the oldest finished tasks, and no unfinished task', () => {
  const list = new TaskList();
  const open = list.add({ kind: 'test-connection' }, null);
  for (let added = 0; added < 2500; added++) list.add({ kind: 'test-connection' }, null).status = 'done';
  const kept = list.after(0);
  expect(kept).toHaveLength(2000);
  expect(kept[0]).toBe(open);
  expect(kept.at(-1)?.id).toBe(2501);
});

function fail(): Promise<void> {
  throw new Error('no such work');
}
