import { isUtf8 } from 'node:buffer';

/**
 * A line of a byte stream, without its line end (LF or CRLF). `line` counts from 1. `isEnded` is false for a last line
 * without a line end. `unreadable`: only this line cannot be read. `stopped`: no line follows.
 */
export type RawLine =
  | { readonly kind: 'text'; readonly line: number; readonly text: string; readonly isEnded: boolean }
  | { readonly kind: 'unreadable'; readonly line: number; readonly why: string }
  | { readonly kind: 'stopped'; readonly line: number; readonly why: string };

interface LineLimits {
  /** The most bytes of one line. */
  readonly lineBytes: number;
  /** The most bytes of the stream. */
  readonly bytes: number;
  /** The most lines, including blank ones, because they take time too. */
  readonly lines: number;
}

const NEW_LINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * Splits a stream of UTF-8, with or without a byte order mark. Holds only one line at a time, and none longer than the
 * limit.
 */
export async function* splitLines(
  source: AsyncIterable<Uint8Array>,
  limits: LineLimits,
): AsyncGenerator<RawLine> {
  const begun = new BegunLine(limits.lineBytes);
  let bytes = 0;
  try {
    for await (const chunk of source) {
      bytes += chunk.length;
      let from = 0;
      for (let at = chunk.indexOf(NEW_LINE); at !== -1; at = chunk.indexOf(NEW_LINE, from)) {
        begun.add(chunk.subarray(from, at));
        from = at + 1;
        if (begun.line > limits.lines) {
          const most = `${limits.lines.toLocaleString('en')} lines`;
          yield {
            kind: 'stopped',
            line: begun.line,
            why: `A file has at most ${most}, including blank ones.`,
          };
          return;
        }
        yield begun.end(true);
      }
      begun.add(chunk.subarray(from));
      if (bytes > limits.bytes) {
        const most = `${Math.floor(limits.bytes / 1024 / 1024)} MiB`;
        yield { kind: 'stopped', line: begun.line, why: `A file has at most ${most}.` };
        return;
      }
    }
  } catch {
    // The sender disconnected, so the unfinished line may be incomplete.
    yield { kind: 'stopped', line: begun.line, why: 'The data ended before this line was complete.' };
    return;
  }
  if (!begun.isEmpty) yield begun.end(false);
}

/** The line that is being read. */
class BegunLine {
  line = 1;
  private readonly limit: number;
  private parts: Uint8Array[] = [];
  private length = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  get isEmpty(): boolean {
    return this.length === 0;
  }

  add(part: Uint8Array): void {
    this.length += part.length;
    if (this.length > this.limit) this.parts = [];
    else if (part.length > 0) this.parts.push(part);
  }

  end(isEnded: boolean): RawLine {
    const { line, parts, length } = this;
    this.line += 1;
    this.parts = [];
    this.length = 0;
    if (length > this.limit) return { kind: 'unreadable', line, why: `is longer than ${this.limit} bytes` };
    let bytes = Buffer.concat(parts);
    if (line === 1 && bytes.subarray(0, MARK.length).equals(MARK)) bytes = bytes.subarray(MARK.length);
    if (bytes.at(-1) === CARRIAGE_RETURN) bytes = bytes.subarray(0, -1);
    if (!isUtf8(bytes)) return { kind: 'unreadable', line, why: 'is not UTF-8' };
    return { kind: 'text', line, text: bytes.toString('utf8'), isEnded };
  }
}
