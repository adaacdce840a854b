import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

type Method = 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';

/** A twin in a process of its own: apps are started, never imported. */
export class Twin {
  readonly url: string;
  readonly stop: () => Promise<void>;

  private constructor(url: string, stop: () => Promise<void>) {
    this.url = url;
    this.stop = stop;
  }

  static async start(which: 'okta' | 'box', env: Record<string, string>): Promise<Twin> {
    const main = fileURLToPath(new URL(`../../../apps/twins/src/${which}/main.ts`, import.meta.url));
    const child = spawn(process.execPath, ['--conditions', '@foyer/source', main], {
      env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    const failed = ended.then(() => {
      throw new Error(`The ${which} twin did not start.`);
    });
    failed.catch(() => undefined);
    const [line] = (await Promise.race([once(createInterface({ input: child.stdout }), 'line'), failed])) as [
      string,
    ];
    return new Twin((JSON.parse(line) as { url: string }).url, async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await ended;
    });
  }

  /** Calls the twin's control address; rejects when it refuses. */
  async control<T = unknown>(method: Method, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.url}/_control/${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} /_control/${path}: ${response.status} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }
}
