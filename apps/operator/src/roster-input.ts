import { createReadStream } from 'node:fs';
import { untilAborted } from '@foyer/roster';
import type { BatchFormat } from '@foyer/shared';
import { OperatorProblem, type Setting, type Values } from './command.ts';
import { sizeOfFile } from './input-file.ts';

/** A file of people that can be read once. `bytes` is null when its size is unknown. */
export interface RosterInput {
  readonly format: BatchFormat;
  readonly bytes: number | null;
  chunks(onBytes: (bytes: number) => void): AsyncIterable<Uint8Array>;
}

const endings: Readonly<Record<string, BatchFormat>> = { csv: 'csv', jsonl: 'jsonl', ndjson: 'jsonl' };

/** Opens the file that the operand names; `-` is standard input. Throws OperatorProblem when it cannot be read. */
export async function openRoster(path: string, values: Values, setting: Setting): Promise<RosterInput> {
  const format = formatOf(path, values.format);
  const { stopping } = setting;
  if (path === '-') {
    const input = untilAborted(setting.input, stopping);
    return { format, bytes: null, chunks: (onBytes) => counted(input, onBytes) };
  }
  const bytes = await sizeOfFile(path);
  const chunks = (onBytes: (bytes: number) => void) =>
    counted(createReadStream(path, { signal: stopping }), onBytes);
  return { format, bytes, chunks };
}

function formatOf(path: string, given: Values[string]): BatchFormat {
  if (given === 'csv' || given === 'jsonl') return given;
  if (given !== undefined) throw new OperatorProblem('--format must be csv or jsonl.');
  const format = endings[path.split('.').at(-1)?.toLowerCase() ?? ''];
  if (format !== undefined && path !== '-') return format;
  throw new OperatorProblem('State the format of the file: --format csv or --format jsonl.');
}

async function* counted(
  source: AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of source) {
    bytes += chunk.length;
    onBytes(bytes);
    yield chunk;
  }
}
