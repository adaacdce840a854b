// Started in its own process: takes jobs, reports them on standard output and never finishes one.
import { createConsumer, type QueueOptions } from './index.ts';

type Argument = Omit<QueueOptions, 'onError'> & { readonly stalledIntervalMs: number };
const options = JSON.parse(process.argv[2] ?? '{}') as Argument;
const onError = (error: Error, where: string): void => console.error(where, error);
function hold({ requestId }: { readonly requestId: string }): Promise<never> {
  process.stdout.write(`took ${requestId}\n`);
  return new Promise(() => undefined);
}
await createConsumer(
  { ...options, onError, putOff: () => undefined, concurrency: { interactive: 1, background: 1 } },
  { converge: hold, 'converge-group': hold },
);
process.stdout.write('ready\n');
