import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { untilAborted } from '@foyer/roster';
import { FoyerError, type BatchFormat } from '@foyer/shared';
import { atLeastSlowly } from '../http/slow-clients.ts';

const formats: Readonly<Record<string, BatchFormat>> = {
  'application/x-ndjson': 'jsonl',
  'text/csv': 'csv',
};

/**
 * The format of the body, from its headers. Throws `unsupported_media_type` for another type or charset, and for a
 * compressed body.
 */
export function formatOf({ headers }: IncomingMessage): BatchFormat {
  const [type = '', ...parameters] = (headers['content-type'] ?? '').toLowerCase().split(';');
  const format = formats[type.trim()];
  const charset = parameters.find((parameter) => parameter.trim().startsWith('charset='));
  const isUtf8 = charset === undefined || /^\s*charset="?utf-?8"?\s*$/.test(charset);
  const isPlain = (headers['content-encoding'] ?? 'identity') === 'identity';
  if (format === undefined || !isUtf8 || !isPlain) throw new FoyerError('unsupported_media_type');
  return format;
}

/**
 * A request body that is hashed while it is read. Reading stops when the connection breaks or `stopping` is aborted;
 * then the response can still be sent, and the rest of the body is discarded.
 */
export class Body {
  private readonly digest = createHash('sha256');
  private readonly req: IncomingMessage;
  private readonly stopping: AbortSignal;

  constructor(req: IncomingMessage, stopping: AbortSignal) {
    this.req = req;
    this.stopping = stopping;
  }

  /** SHA-256 of the bytes that were read, in hex. May be called once, at the end. */
  hash(): string {
    return this.digest.digest('hex');
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of untilAborted(this.pieces(), this.stopping)) {
        this.digest.update(chunk);
        yield chunk;
      }
    } finally {
      this.req.resume();
    }
  }

  /** By default a request's iterator destroys the connection when it ends, and the response with it. */
  private pieces(): AsyncIterable<Uint8Array> {
    return atLeastSlowly(this.req.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>);
  }
}
