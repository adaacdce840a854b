import type { BatchFormat } from '@foyer/shared';
import { OperatorProblem, type Setting, type Values } from '../../command.ts';
import { chunksOf, sizeOfFile } from '../../input-file.ts';

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
  if (path === '-') return { format, bytes: null, chunks: (onBytes) => counted(setting.input, onBytes) };
  const bytes = await sizeOfFile(path);
  return { format, bytes, chunks: (onBytes) => chunksOf(path, onBytes) };
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
