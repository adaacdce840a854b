import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { machineAdvice } from '../problem.ts';
import { type LogLine, Part, type PartOptions } from './process.ts';

const parts: Part[] = [];

function script(code: string, options: Partial<PartOptions> = {}): Part {
  const part = new Part({
    name: 'sample',
    command: process.execPath,
    args: ['-e', code],
    ready: (line) => (line.startsWith('ready ') ? line.slice(6) : undefined),
    ...options,
  });
  parts.push(part);
  return part;
}

/** Resolves when the process is gone. A zombie that its parent has not reaped counts as gone. */
async function untilGone(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
      const status = await readFile(`/proc/${pid}/stat`, 'utf8');
      if (status.includes(') Z ')) return;
    } catch {
      return;
    }
  }
}

afterEach(async () => {
  await Promise.all(parts.splice(0).map((part) => part.kill()));
});

const STAYS = "console.log('ready ' + process.pid); setInterval(() => {}, 1e6);";

describe('a part', () => {
  it('is started when it reports that it is ready, and returns its message', async () => {
    const seen: LogLine[] = [];
    const part = script(STAYS, { log: (line) => seen.push(line) });
    expect(await part.start()).toBe(String(part.pid));
    expect(seen).toEqual([{ part: 'sample', stream: 'stdout', line: `ready ${part.pid}` }]);
  });

  it('that ends before it is ready is reported with its exit code and last lines', async () => {
    const part = script(
      "console.log('one'); console.error('DATABASE_URL is missing'); process.exitCode = 3;",
    );
    await expect(part.start()).rejects.toThrow(
      /^the sample ended before it was ready \(exit code 3\)\n {2}It said last:\n[^]*\| DATABASE_URL is missing[^]*What to do: /,
    );
  });

  it('that prints nothing before it ends is reported as such', async () => {
    await expect(script("process.kill(process.pid, 'SIGKILL')").start()).rejects.toThrow(
      /killed by SIGKILL\)\n {4}it printed nothing\n {2}What to do: look in the log of the system/,
    );
  });

  it('that fails on a port in use or a full disk is explained', async () => {
    const taken = script("throw new Error('listen EADDRINUSE: address already in use 127.0.0.1:3000')");
    await expect(taken.start()).rejects.toThrow('What to do: another program listens on that port');
    expect(machineAdvice('ENOSPC: no space left on device, write')).toContain('the disk is full');
    expect(machineAdvice('all is well')).toBeUndefined();
  });

  it('whose program is missing is named', async () => {
    const part = script('', { command: '/nowhere/program' });
    await expect(part.start()).rejects.toThrow(/cannot be started[^]*"\/nowhere\/program" was not found/);
  });

  it('that is not ready within its time limit is ended', async () => {
    // A shell prints at once even on a busy machine, on which Node.js may take seconds to start.
    const shell = { command: '/bin/sh', args: ['-c', 'echo starting; exec sleep 1000000'] };
    const part = script('', { ...shell, readyWithinMs: 3_000 });
    await expect(part.start()).rejects.toThrow(/not ready within 3 s[^]*\| starting/);
    await part.kill();
    expect(part.running).toBe(false);
  });

  it('that prints nothing within its time limit is reported as slow', async () => {
    const part = script('setInterval(() => {}, 1e6);', { readyWithinMs: 300 });
    await expect(part.start()).rejects.toThrow(
      /not ready within 0.3 s\n {4}it printed nothing\n {2}What to do: the machine may be too busy/,
    );
  });

  it('that ends unexpectedly later is reported once; one that was stopped is not', async () => {
    const told: string[] = [];
    const part = script(STAYS);
    const heard = new Promise<void>((resolve) => {
      part.onDeath((problem) => {
        told.push(problem.message);
        resolve();
      });
    });
    await part.start();
    process.kill(part.pid ?? 0, 'SIGKILL');
    await heard;
    expect(told[0]).toContain('the sample ended by itself (killed by SIGKILL)');
    await part.start();
    await part.stop();
    expect(told).toHaveLength(1);
  });

  it('that does not end when asked is killed', async () => {
    const part = script(`process.on('SIGTERM', () => {}); ${STAYS}`);
    await part.start();
    expect(await part.stop(100)).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('can be restarted, as a new process', async () => {
    const part = script(STAYS);
    const first = await part.start();
    expect(await part.restart('SIGKILL')).not.toBe(first);
    expect(part.running).toBe(true);
  });

  it('gets only its own environment', async () => {
    const part = script("console.log('ready ' + JSON.stringify(process.env)); setInterval(() => {}, 1e6);", {
      env: { ONLY: 'this' },
    });
    expect(JSON.parse(await part.start())).toEqual({ ONLY: 'this' });
  });
});

describe('the guard', () => {
  it('ends the parts and removes the folders of a process that was killed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'foyer-guard-'));
    const module = (name: string): string =>
      JSON.stringify(new URL(name, `file://${import.meta.dirname}/`).href);
    const owner = spawn(process.execPath, [
      '--input-type=module',
      '-e',
      `import { Part } from ${module('process.ts')};
       import { guard } from ${module('guard.ts')};
       guard().remove(${JSON.stringify(folder)});
       const part = new Part({ name: 'kept', command: process.execPath, args: ['-e', ${JSON.stringify(STAYS)}], ready: (line) => line });
       console.log((await part.start()).split(' ')[1]);`,
    ]);
    const [pid] = (await once(createInterface({ input: owner.stdout }), 'line')) as [string];
    owner.kill('SIGKILL');
    await untilGone(Number(pid));
    while (await stat(folder).then(Boolean, () => false)) continue;
    await rm(folder, { recursive: true, force: true });
  });
});
