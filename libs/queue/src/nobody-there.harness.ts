// Started in its own process, without a server at its address: an unhandled rejection would end it with code 1, and
// anything left open would keep it from ending.
import { randomUUID } from 'node:crypto';
import { createConsumer, createQueue, type QueueOptions } from './index.ts';

const address = JSON.parse(process.argv[2] ?? '{}') as Omit<QueueOptions, 'onError'>;
const told: string[] = [];
const options: QueueOptions = {
  ...address,
  onError: (error, where) => told.push(`${where}: ${error.message}`),
};

const failure = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: unknown) => (error instanceof Error ? error.name : 'not an error'),
  );

const queue = createQueue(options);
const starting = createConsumer(
  { ...options, putOff: () => undefined, concurrency: { interactive: 2, background: 2 } },
  { converge: async () => ({ kind: 'over' }), 'converge-group': async () => ({ kind: 'over' }) },
);
const job = { name: 'converge', payload: { requestId: randomUUID() }, priority: 1 } as const;
const ends = await Promise.all([
  failure(queue.add([job], 300)),
  failure(queue.ping(200)),
  failure(queue.ping(400)),
]);
const consumer = await starting;
await Promise.all([queue.close(), consumer.close(1000)]);
console.log(JSON.stringify({ ends, told }));
