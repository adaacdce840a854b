import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { types } from 'node:util';
import { OperatorProblem } from './command.ts';

/** The size of a regular file, in bytes. Throws OperatorProblem when the file cannot be read. */
export async function sizeOfFile(path: string): Promise<number> {
  const found = await stat(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  if (!found.isFile()) throw new OperatorProblem(`${path} is not a file.`);
  return found.size;
}

/** The file's bytes. `onBytes` receives the number of bytes read so far. Throws OperatorProblem for a read error. */
export async function* chunksOf(
  path: string,
  onBytes: (bytes: number) => void = () => {},
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Uint8Array>) {
      onBytes((bytes += chunk.length));
      yield chunk;
    }
  } catch (error) {
    throw unreadable(path, error);
  }
}

const unreadable = (path: string, error: unknown): OperatorProblem =>
  new OperatorProblem(
    `${path} cannot be read: ${types.isNativeError(error) ? error.message : String(error)}.`,
  );
