import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('./lifecycle.harness.ts', import.meta.url));

interface Line {
  readonly event: string;
  readonly part?: string;
  readonly err?: { readonly message: string };
}

/** Starts the process, stops it with SIGTERM, and returns its exit code with the events that it logged. */
async function stopped(drainMs: number, limitMs: number, ...hanging: string[]) {
  const args = ['--no-warnings', '--conditions', '@foyer/source', program];
  const child = spawn(process.execPath, [...args, String(drainMs), String(limitMs), ...hanging], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  const said: string[] = [];
  const errors: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const { event, part, err } = JSON.parse(line) as Line;
    said.push(part === undefined ? event : `${event}: ${part}`);
    if (err !== undefined) errors.push(err.message);
    if (event === 'ready') child.kill('SIGTERM');
  }
  const [code] = (await ended) as [number | null];
  return { code, said: said.slice(1), errors };
}

const LONG_MS = 60_000;

describe('the stop of a process', () => {
  it('ends with 0 when everything has ended', async () => {
    const { code, said } = await stopped(LONG_MS, LONG_MS);
    const all = ['database closed', 'http closed', 'stopped', 'stopping', 'well drained'];
    expect([code, said.toSorted()]).toEqual([0, all]);
    // The log is written by itself, so only the order of the closed parts is certain.
    const closed = said.filter((event) => !event.startsWith('stopp'));
    expect(closed.at(-1)).toBe('database closed');
  });

  it('drains the other tasks, closes the rest and ends with 1 when a task hangs', async () => {
    const { code, said, errors } = await stopped(50, LONG_MS, 'task');
    expect(code).toBe(1);
    // The line of an error may be written after those that follow it.
    const failed = 'close-failed: background-tasks';
    expect(said).toContain(failed);
    expect(said.filter((event) => event !== failed).slice(-2)).toEqual(['database closed', 'stopped']);
    expect(said).toContain('well drained');
    expect(errors).toEqual(['stuck: The current round did not end within 50 ms.']);
  });

  it.each([
    ['the server', 'http', ['stopping', 'well drained', 'stop-overdue']],
    ['the database', 'database', ['stopping', 'http closed', 'well drained', 'stop-overdue']],
  ])(
    'ends with 1 at the deadline of the process while %s hangs, with its tasks drained',
    async (_what, part, expected) => {
      const { code, said } = await stopped(LONG_MS, 1_000, part);
      expect([code, said.toSorted()]).toEqual([1, expected.toSorted()]);
    },
  );
});
