import type { Part } from '../stack/process.ts';
import type { Stack } from '../stack/stack.ts';
import type { BoxFault } from '../stack/twins.ts';
import type { Outside } from './outside.harness.ts';
import type { Dice } from '../dice.ts';
import { until } from '@foyer/testing';

/** One disturbance, which is over when the promise resolves. */
export interface Deed {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/** Faults of Box that end a create without a clear result, late, or with a temporary refusal. */
export const boxFaults: readonly BoxFault[] = [
  { kind: 'resetAfter' },
  { kind: 'resetBefore' },
  { kind: 'statusAfter', status: 503 },
  { kind: 'html', status: 502 },
  { kind: 'status', status: 429, retryAfter: 1 },
  { kind: 'slow', delayMs: 1_500 },
  { kind: 'slowAfter', delayMs: 1_500 },
  { kind: 'hang' },
  { kind: 'damaged' },
];

/** Kills a server and starts it until it stays up: its children may not have released everything yet. */
export async function crash(part: Part): Promise<void> {
  await part.kill('SIGKILL');
  await until(`the ${part.name} stands again`, () =>
    part.start().then(
      () => true,
      () => null,
    ),
  );
}

/**
 * Stops a process (SIGSTOP) and returns a function that waits until all leases of that moment have expired, and then
 * continues the process.
 */
export async function pause(part: Part, outside: Outside): Promise<() => Promise<void>> {
  await part.kill('SIGSTOP');
  const [row] = await outside.query<{ until: Date | null }>(
    'SELECT max(lease_expires_at) AS until FROM identity',
  );
  const leasedUntil = row!.until;
  return async () => {
    await until('the leases of the paused have run out', async () => {
      const [now] = await outside.query<{ over: boolean }>(
        'SELECT coalesce(clock_timestamp() > $1::timestamptz, true) AS over',
        [leasedUntil],
      );
      return now!.over ? true : null;
    });
    await part.kill('SIGCONT');
  };
}

/** All disturbances of a stack, each once; dice choose the processes. */
export function deedsFor(
  stack: Stack,
  outside: Outside,
  dice: Dice,
  loseQueue: () => Promise<void>,
): readonly Deed[] {
  const { provisioners, gateway, postgres, redis } = stack.parts;
  const one = () => dice.pick(provisioners);
  const deeds: Deed[] = [
    { name: 'a provisioner is killed', run: async () => void (await one().restart('SIGKILL')) },
    { name: 'a provisioner is asked to end', run: () => endsWell(one()) },
    { name: 'all provisioners are killed at once', run: () => restartAll(provisioners) },
    {
      name: 'a provisioner sleeps through a crash of PostgreSQL',
      run: async () => {
        const wake = await pause(one(), outside);
        await crash(postgres!);
        await wake();
      },
    },
    { name: 'PostgreSQL crashes', run: () => crash(postgres!) },
    { name: 'PostgreSQL is restarted', run: async () => void (await postgres!.restart('SIGINT')) },
    { name: 'the gateway is killed', run: async () => void (await gateway!.restart('SIGKILL')) },
    { name: 'the queue’s data is lost', run: loseQueue },
  ];
  if (redis) deeds.push({ name: 'Redis crashes', run: () => crash(redis) });
  return deeds;
}

async function endsWell(part: Part): Promise<void> {
  const exit = await part.kill('SIGTERM');
  if (exit?.code !== 0) throw new Error(`the ${part.name} ended with ${JSON.stringify(exit)}, not with 0`);
  await part.start();
}

async function restartAll(parts: readonly Part[]): Promise<void> {
  await Promise.all(parts.map((part) => part.kill('SIGKILL')));
  await Promise.all(parts.map((part) => part.start()));
}
