import type { CallIntent } from './box-port.ts';
import type { BatchEntry, BatchFormat, BatchStop, FieldError, Person } from '@foyer/shared';

/** Some lines of a file, to be taken in together or not at all. */
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
  /** A client's Idempotency-Key; null without one. */
  readonly key: string | null;
  /** The call that brings the file: on record as soon as there is a batch, and open until its reader ends it. */
  readonly call: (batchId: string) => CallIntent;
}

/** `callId`: of the record. `earlier`: the key stands for a batch already; `bodyHash` is null while that one's body is being read. */
export type BatchBegun =
  | { readonly kind: 'begun'; readonly id: string; readonly callId: string }
  | { readonly kind: 'earlier'; readonly id: string; readonly bodyHash: string | null };

/** The database's side of taking a file in. */
export interface BatchStore {
  /** The batch and the record of its call are one transaction, and come before anybody is taken in. */
  begin(batch: NewBatch): Promise<BatchBegun>;
  /** One transaction. The same rules as for somebody who comes alone. */
  take(batchId: string, chunk: BatchChunk): Promise<void>;
  /** Says that somebody is still reading. */
  beat(batchId: string): Promise<void>;
  /** The file was read; with `stopped` not to its end, and its key may be used again. */
  end(batchId: string, end: { bodyHash: string; stopped: BatchStop | null }): Promise<void>;
}

/** What became of a file at the door. `earlier`: it was read only to compare it with the one that its key stands for. */
export type Reception =
  | { readonly kind: 'received'; readonly batchId: string; readonly stopped: BatchStop | null }
  | { readonly kind: 'earlier'; readonly batchId: string; readonly fits: boolean }
  | { readonly kind: 'in-use' }
  | { readonly kind: 'unusable'; readonly field: string; readonly why: string };

export interface ReceiveOptions {
  /** The SHA-256 of what was read, in hex, asked for when all is read. */
  readonly bodyHash: () => string;
  readonly onBegun?: (batch: { readonly id: string; readonly callId: string }) => void;
  /** Hears how many lines are taken in. */
  readonly onTaken?: (lines: number) => void;
}

/** One transaction takes about so many lines: long enough to be cheap, short enough to hold nobody up. */
export const CHUNK = 500;
const BEAT_MS = 5_000;

/**
 * Takes a file of people in while it is read, a chunk at a time: whatever breaks off, the chunks before stand. The batch
 * begins with the first line about somebody. Throws what the store throws.
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
    // What is not read on must not stay half read.
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
  if (first.done) return { kind: 'unusable', field: 'file', why: 'names nobody' };
  if (first.value.kind === 'unusable') return first.value;
  if (first.value.kind === 'stopped') return { kind: 'unusable', field: 'file', why: first.value.why };
  const begun = await store.begin(batch);
  if (begun.kind === 'earlier') return compare(begun, reader, options);
  options.onBegun?.(begun);
  const timer = setInterval(() => {
    // A beat that fails is one of several; what matters is the next chunk, and that one is waited for.
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

/** Reads the file to its end, so that its hash is whole. */
async function compare(
  { id, bodyHash }: Extract<BatchBegun, { kind: 'earlier' }>,
  reader: AsyncIterator<BatchEntry>,
  options: ReceiveOptions,
): Promise<Reception> {
  if (bodyHash === null) return { kind: 'in-use' };
  for (let next = await reader.next(); !next.done; next = await reader.next());
  return { kind: 'earlier', batchId: id, fits: options.bodyHash() === bodyHash };
}
