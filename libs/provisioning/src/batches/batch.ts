import type { CallIntent } from '../people/box-port.ts';
import type { BatchEntry, BatchFormat, BatchStop, FieldError, Person } from '@foyer/shared';

/** Some lines of a file that are stored together or not at all. */
export interface BatchChunk {
  readonly people: readonly { readonly line: number; readonly person: Person }[];
  readonly refused: readonly {
    readonly line: number;
    readonly subject: string | null;
    readonly errors: readonly FieldError[];
  }[];
}

export interface NewBatch {
  /** The client, or `operator`. */
  readonly actor: string;
  readonly format: BatchFormat;
  /** A client's Idempotency-Key, or null. */
  readonly key: string | null;
  /** The call that brings the file: recorded in the same transaction as the batch, and open until reading ends. */
  readonly call: (batchId: string) => CallIntent;
}

/**
 * `callId`: the id of the recorded call. `earlier`: a batch with this key exists; `bodyHash` is null while its body is
 * still being read.
 */
export type BatchBegun =
  | { readonly kind: 'begun'; readonly id: string; readonly callId: string }
  | { readonly kind: 'earlier'; readonly id: string; readonly bodyHash: string | null };

/** The database operations for storing a file of people. */
export interface BatchStore {
  /** Writes the batch and the record of its call in one transaction, before any person is stored. */
  begin(batch: NewBatch): Promise<BatchBegun>;
  /** Stores the chunk in one transaction, with the same rules as for a single person. */
  take(batchId: string, chunk: BatchChunk): Promise<void>;
  /** Records that the file is still being read. */
  beat(batchId: string): Promise<void>;
  /** Ends the batch. With `stopped` the file was not read to its end, and its key may be used again. */
  end(batchId: string, end: { bodyHash: string; stopped: BatchStop | null }): Promise<void>;
}

/** The result of receiving a file. `earlier`: the file was only read to compare it with the batch that has its key. */
export type Reception =
  | { readonly kind: 'received'; readonly batchId: string; readonly stopped: BatchStop | null }
  | { readonly kind: 'earlier'; readonly batchId: string; readonly fits: boolean }
  | { readonly kind: 'in-use' }
  | { readonly kind: 'unusable'; readonly field: string; readonly why: string };

export interface ReceiveOptions {
  /** The SHA-256 of everything read, in hex; called after the whole file is read. */
  readonly bodyHash: () => string;
  readonly onBegun?: (batch: { readonly id: string; readonly callId: string }) => void;
  /** Called with the number of lines stored so far. */
  readonly onTaken?: (lines: number) => void;
}

/** Lines per transaction: enough to be cheap, few enough not to block other writers for long. */
export const CHUNK = 500;
const BEAT_MS = 5_000;

/**
 * Stores a file of people while it is read, one chunk at a time: when reading breaks off, the stored chunks remain. The
 * batch begins with the first line for a person. Throws what the store throws.
 */
export async function receiveBatch(
  entries: AsyncIterable<BatchEntry>,
  store: BatchStore,
  batch: NewBatch,
  options: ReceiveOptions,
): Promise<Reception> {
  const reader = entries[Symbol.asyncIterator]();
  try {
    return await receive(reader, store, batch, options);
  } finally {
    // Closes the source, so that an unfinished read does not stay open.
    await reader.return?.();
  }
}

async function receive(
  reader: AsyncIterator<BatchEntry>,
  store: BatchStore,
  batch: NewBatch,
  options: ReceiveOptions,
): Promise<Reception> {
  const first = await reader.next();
  if (first.done) return { kind: 'unusable', field: 'file', why: 'has no person' };
  if (first.value.kind === 'unusable') return first.value;
  if (first.value.kind === 'stopped') return { kind: 'unusable', field: 'file', why: first.value.why };
  const begun = await store.begin(batch);
  if (begun.kind === 'earlier') return compare(begun, reader, options);
  options.onBegun?.(begun);
  const timer = setInterval(() => {
    // A failed heartbeat is harmless, because others follow; a store that fails is noticed with the next chunk.
    store.beat(begun.id).catch(() => undefined);
  }, BEAT_MS);
  try {
    const stopped = await takeAll(begun.id, first.value, reader, store, options);
    await store.end(begun.id, { bodyHash: options.bodyHash(), stopped });
    return { kind: 'received', batchId: begun.id, stopped };
  } finally {
    clearInterval(timer);
  }
}

type Line = Extract<BatchEntry, { kind: 'person' | 'refused' }>;

async function takeAll(
  batchId: string,
  first: Line,
  reader: AsyncIterator<BatchEntry>,
  store: BatchStore,
  { onTaken }: ReceiveOptions,
): Promise<BatchStop | null> {
  let lines: Line[] = [first];
  let taken = 0;
  const flush = async () => {
    if (lines.length === 0) return;
    await store.take(batchId, {
      people: lines.filter((line) => line.kind === 'person'),
      refused: lines.filter((line) => line.kind === 'refused'),
    });
    taken += lines.length;
    lines = [];
    onTaken?.(taken);
  };
  for (let next = await reader.next(); !next.done; next = await reader.next()) {
    const entry = next.value;
    if (entry.kind === 'stopped' || entry.kind === 'unusable') {
      await flush();
      return entry.kind === 'stopped' ? { line: entry.line, why: entry.why } : null;
    }
    lines.push(entry);
    if (lines.length >= CHUNK) await flush();
  }
  await flush();
  return null;
}

/** Reads the file to its end, because its hash covers all of it. */
async function compare(
  { id, bodyHash }: Extract<BatchBegun, { kind: 'earlier' }>,
  reader: AsyncIterator<BatchEntry>,
  options: ReceiveOptions,
): Promise<Reception> {
  if (bodyHash === null) return { kind: 'in-use' };
  for (let next = await reader.next(); !next.done; next = await reader.next());
  return { kind: 'earlier', batchId: id, fits: options.bodyHash() === bodyHash };
}
