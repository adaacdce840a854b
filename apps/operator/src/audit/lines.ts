import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';
import { types } from 'node:util';
import { OperatorProblem } from '../command.ts';

/** Longer than any row of ours: a longer line is not from an export. */
const LONGEST_LINE = 16 * 1024 * 1024;

/** The size of a regular file, in bytes. Throws OperatorProblem when the file cannot be read. */
export async function sizeOfFile(path: string): Promise<number> {
  const found = await stat(path).catch((error: unknown) => {
    throw new OperatorProblem(`${path} cannot be read: ${reasonOf(error)}.`);
  });
  if (!found.isFile()) throw new OperatorProblem(`${path} is not a file.`);
  return found.size;
}

/** The file's lines, without their line ends. `onBytes` receives the number of bytes read so far. */
export async function* linesOf(path: string, onBytes: (bytes: number) => void): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let begun: string[] = [];
  let length = 0;
  let bytes = 0;
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      onBytes(bytes);
      const [first = '', ...others] = decoder.write(chunk).split('\n');
      begun.push(first);
      length += first.length;
      for (const next of others) {
        yield begun.join('');
        begun = [next];
        length = next.length;
      }
      if (length > LONGEST_LINE) throw new OperatorProblem(`${path} is not an export of the audit log.`);
    }
  } catch (error) {
    if (error instanceof OperatorProblem) throw error;
    throw new OperatorProblem(`${path} cannot be read: ${reasonOf(error)}.`);
  }
  const last = begun.join('') + decoder.end();
  if (last !== '') yield last;
}

const reasonOf = (error: unknown): string => (types.isNativeError(error) ? error.message : String(error));
