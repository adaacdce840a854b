import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { guard } from './guard.ts';
import { codeOf, machineAdvice, messageOf, StackProblem } from '../problem.ts';

/** One printed line of a process. */
export interface LogLine {
  part: string;
  stream: 'stdout' | 'stderr';
  line: string;
}
export type LogSink = (line: LogLine) => void;

export interface PartOptions {
  name: string;
  command: string;
  args: readonly string[];
  /** The whole environment; nothing is inherited. */
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  uid?: number;
  gid?: number;
  /** Returns what a line says about a process that is up; undefined for other lines. */
  ready: (line: string, stream: LogLine['stream']) => string | undefined;
  readyWithinMs?: number;
  /** The signal that asks the process to end. */
  stopSignal?: NodeJS.Signals;
  log?: LogSink;
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A process that is alive is only slow, on a busy machine, for less than this. */
export const START_LIMIT_MS = 120_000;
const KEPT_LINES = 40;
const SHOWN_LINES = 15;

/**
 * A program of the stack, in a process group of its own: Ctrl-C in the terminal reaches only the process that started
 * it.
 */
export class Part {
  readonly name: string;
  readonly #options: PartOptions;
  #child: ChildProcess | undefined;
  #exit: Promise<Exit> | undefined;
  #lines: string[] = [];
  #stopping = false;
  #onDeath: ((problem: StackProblem) => void) | undefined;

  constructor(options: PartOptions) {
    this.name = options.name;
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.running ? this.#child?.pid : undefined;
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The last lines that it printed. */
  get lastLines(): readonly string[] {
    return this.#lines;
  }

  /** Called when it ends unasked after it was up. */
  onDeath(listener: (problem: StackProblem) => void): void {
    this.#onDeath = listener;
  }

  /**
   * Starts it and waits until it reports that it is ready.
   * @returns what `ready` returned for the line
   * @throws StackProblem with its last lines when it ends first, cannot be run or takes too long
   */
  async start(): Promise<string> {
    if (this.running) throw new Error(`${this.name} already runs`);
    const { command, args, env = {}, cwd, uid, gid, stopSignal = 'SIGTERM' } = this.#options;
    this.#lines = [];
    this.#stopping = false;
    const child = spawn(command, args, {
      env,
      cwd,
      uid,
      gid,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    const exit = new Promise<Exit>((resolve) => {
      child.once('close', (code, signal) => resolve({ code, signal }));
      child.once('error', () => resolve({ code: null, signal: null }));
    });
    this.#exit = exit;
    const { pid } = child;
    if (pid !== undefined) {
      guard().watch(pid, stopSignal);
      void exit.then(() => guard().forget(pid));
    }
    const said = await this.#whenReady(child, exit);
    void exit.then((end) => {
      if (!this.#stopping && this.#child === child) this.#onDeath?.(this.#died(end, 'ended by itself'));
    });
    return said;
  }

  /** Sends a signal; when the signal ends the process, waits until it is gone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<Exit | undefined> {
    const { pid } = this;
    if (pid === undefined) return this.#exit;
    if (signal === 'SIGSTOP' || signal === 'SIGCONT') {
      process.kill(pid, signal);
      return undefined;
    }
    this.#stopping = true;
    process.kill(pid, signal);
    return this.#exit;
  }

  /** Asks it to end, and kills it when it has not ended within `graceMs`. */
  async stop(graceMs = 10_000): Promise<Exit | undefined> {
    const { pid } = this;
    if (pid === undefined || !this.#exit) return this.#exit;
    this.#stopping = true;
    process.kill(pid, this.#options.stopSignal ?? 'SIGTERM');
    const late = setTimeout(() => {
      if (this.running) process.kill(pid, 'SIGKILL');
    }, graceMs);
    return this.#exit.finally(() => clearTimeout(late));
  }

  /** Ends it with `signal` when it runs, and starts it again with the same settings. */
  async restart(signal: NodeJS.Signals = 'SIGTERM'): Promise<string> {
    await this.kill(signal);
    return this.start();
  }

  #whenReady(child: ChildProcess, exit: Promise<Exit>): Promise<string> {
    const { ready, readyWithinMs = START_LIMIT_MS, log } = this.#options;
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        const what = `the ${this.name} was not ready within ${readyWithinMs / 1000} s`;
        reject(this.#problem(what, 'the machine may be too busy: close other programs, then try again'));
        void this.kill('SIGKILL');
      }, readyWithinMs);
      for (const stream of ['stdout', 'stderr'] as const) {
        const source = child[stream];
        if (!source) continue;
        createInterface({ input: source }).on('line', (line) => {
          this.#lines = [...this.#lines.slice(1 - KEPT_LINES), line];
          log?.({ part: this.name, stream, line });
          const said = ready(line, stream);
          if (said === undefined) return;
          clearTimeout(late);
          resolve(said);
        });
      }
      child.once('error', (error) => {
        clearTimeout(late);
        reject(this.#cannotRun(error));
      });
      void exit.then((end) => {
        clearTimeout(late);
        reject(this.#died(end, 'ended before it was ready'));
      });
    });
  }

  #cannotRun(error: Error): StackProblem {
    const { command } = this.#options;
    const advice =
      codeOf(error) === 'ENOENT'
        ? `"${command}" was not found: install it, or run "npm install" when it is under node_modules`
        : (machineAdvice(messageOf(error)) ?? `see whether "${command}" can be run by hand`);
    return new StackProblem(`the ${this.name} cannot be started: ${messageOf(error)}`, advice, error);
  }

  #died(exit: Exit, what: string): StackProblem {
    const how = exit.signal ? `killed by ${exit.signal}` : `exit code ${exit.code ?? 'unknown'}`;
    return this.#problem(
      `the ${this.name} ${what} (${how})`,
      'look in the log of the system for the reason, such as too little memory, then try again',
    );
  }

  /** `silent`: what to do when it printed nothing. */
  #problem(what: string, silent: string): StackProblem {
    const lines = this.#lines.slice(-SHOWN_LINES).map((line) => `    | ${line}`);
    const last = lines.length === 0 ? '\n    it printed nothing' : `\n  It said last:\n${lines.join('\n')}`;
    const advice =
      machineAdvice(this.#lines.join('\n')) ??
      (lines.length === 0 ? silent : 'its own last lines above say why; correct that, then try again');
    return new StackProblem(`${what}${last}`, advice);
  }
}
