import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { BoxAuth } from './options.ts';

const main = fileURLToPath(new URL('../../../apps/twins/src/box/main.ts', import.meta.url));

/** A call as the twin saw it. */
export interface TwinCall {
  readonly seq: number;
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly asUser: string | null;
  readonly status: number | null;
}

/** A Box twin in its own process, because libraries never import apps. */
export class BoxTwin {
  readonly url: string;
  readonly auth: BoxAuth = {
    kind: 'ccg',
    clientId: 'twin-box-client',
    clientSecret: 'twin-box-secret',
    enterpriseId: '900100',
  };
  readonly #process: ChildProcess;

  private constructor(url: string, child: ChildProcess) {
    this.url = url;
    this.#process = child;
  }

  /** Starts one on a free port, without a rate limit unless one is set later. */
  static async start(): Promise<BoxTwin> {
    const child = spawn(process.execPath, ['--conditions', '@foyer/source', main], {
      env: {
        PATH: process.env.PATH,
        NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
        BOX_TWIN_PORT: '0',
        BOX_TWIN_RATE_LIMIT: '0',
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit').then(() => {
      throw new Error('The Box twin did not start.');
    });
    const [line] = (await Promise.race([once(createInterface({ input: child.stdout }), 'line'), ended])) as [
      string,
    ];
    ended.catch(() => undefined);
    const { url } = JSON.parse(line) as { url: string };
    return new BoxTwin(url, child);
  }

  /** Calls the twin's control address; rejects when it refuses. */
  async control(method: 'GET' | 'PUT' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${this.url}/_control/${path}`, {
      method,
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} /_control/${path}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  /** The calls that the twin received, in order. */
  async calls(): Promise<readonly TwinCall[]> {
    const { calls } = (await this.control('GET', 'calls')) as { calls: TwinCall[] };
    return calls;
  }

  async stop(): Promise<void> {
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    await ended;
  }
}
