import { toLine } from '@foyer/shared';

const REDRAW_MS = 100;
const BAR_WIDTH = 24;
const LONGEST_NAME = 255;

/** Makes names from outside safe for a terminal: a line break or an escape sequence could fake output. */
export const shown = (name: string): string => toLine(name, LONGEST_NAME);

export interface Output {
  readonly isTTY?: boolean;
  readonly writableNeedDrain?: boolean;
  write(text: string): unknown;
  once?(event: 'drain', listener: () => void): unknown;
}

/** Only results go to `out`; progress and remarks go to `err`, so that `--json` can be piped. */
export class Terminal {
  private readonly out: Output;
  private readonly err: Output;

  constructor(out: Output = process.stdout, err: Output = process.stderr) {
    this.out = out;
    this.err = err;
  }

  print(line: string): void {
    this.out.write(`${line}\n`);
  }

  json(value: unknown): void {
    this.print(JSON.stringify(value, null, 2));
  }

  /** Resolves when the reader has caught up, so that output printed page by page does not accumulate in memory. */
  async drained(): Promise<void> {
    if (this.out.writableNeedDrain)
      await new Promise<void>((resolve) => this.out.once?.('drain', () => resolve()));
  }

  remark(line: string): void {
    this.err.write(`${line}\n`);
  }

  /** A progress bar on a terminal; elsewhere only its last line. `total` may be unknown (null). */
  progress(what: string): { update(done: number, total: number | null, note?: string): void; end(): void } {
    let last = '';
    let drawnAt = -Infinity;
    return {
      update: (done, total, note = '') => {
        last = `${what} ${bar(done, total)} ${note}`.trimEnd();
        if (!this.err.isTTY || performance.now() - drawnAt < REDRAW_MS) return;
        drawnAt = performance.now();
        this.err.write(`\r\x1b[2K${last}`);
      },
      end: () => {
        if (last !== '') this.err.write(this.err.isTTY ? `\r\x1b[2K${last}\n` : `${last}\n`);
      },
    };
  }
}

function bar(done: number, total: number | null): string {
  if (total === null) return `${done}`;
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const filled = Math.round(share * BAR_WIDTH);
  const percent = `${Math.floor(share * 100)}`.padStart(3);
  return `[${'#'.repeat(filled)}${'-'.repeat(BAR_WIDTH - filled)}] ${percent}% ${done}/${total}`;
}
