import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';

const LIMIT_MS = 60_000;

/** One bash for all blocks of a document: variables of one block are available in the next. */
export class Shell {
  private readonly bash: ChildProcessWithoutNullStreams;
  private printed = '';
  private blocks = 0;
  private tell: () => void = () => {};

  constructor(cwd: string, env: Record<string, string | undefined>) {
    this.bash = spawn('bash', ['--noprofile', '--norc', '-o', 'pipefail'], { cwd, env });
    for (const stream of [this.bash.stdout, this.bash.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text: string) => {
        this.printed += text;
        this.tell();
      });
    }
    this.bash.on('exit', () => this.tell());
  }

  /** Runs one block. Returns what it printed, to both streams, and the exit status of its last command. */
  async run(block: string): Promise<{ printed: string; status: number }> {
    this.blocks += 1;
    const end = new RegExp(`\\n@block ${this.blocks} ended (\\d+)\\n`);
    this.printed = '';
    this.bash.stdin.write(`${block}\nprintf '\\n@block ${this.blocks} ended %s\\n' "$?"\n`);
    const late = AbortSignal.timeout(LIMIT_MS);
    while (!end.test(this.printed)) {
      if (this.bash.exitCode !== null || late.aborted)
        throw new Error(`The block did not end:\n${block}\nIt printed:\n${this.printed}`);
      await new Promise<void>((resolve) => {
        this.tell = resolve;
        late.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    const [whole, status] = end.exec(this.printed)!;
    return { printed: this.printed.slice(0, this.printed.indexOf(whole)), status: Number(status) };
  }

  async close(): Promise<void> {
    if (this.bash.exitCode !== null) return;
    const ended = once(this.bash, 'exit');
    this.bash.stdin.end('exit\n');
    await ended;
  }
}
