import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { untilAborted } from '@foyer/roster';
import { FoyerError, type BatchFormat } from '@foyer/shared';
import { atLeastSlowly } from '../http/slow-clients.ts';

const formats: Readonly<Record<string, BatchFormat>> = {
  'application/x-ndjson': 'jsonl',
  'text/csv': 'csv',
};

/** How the body is written, by its headers. Throws `unsupported_media_type` for another type, charset or a compressed one. */
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
 * A body as it comes in, hashed on the way. It breaks off when the connection does, and when `stopping` is aborted: the
 * answer can still be sent then, and what is left of the body is thrown away.
 */
export class Body {
  private readonly digest = createHash('sha256');
  private readonly req: IncomingMessage;
  private readonly stopping: AbortSignal;

  constructor(req: IncomingMessage, stopping: AbortSignal) {
    this.req = req;
    this.stopping = stopping;
  }

  /** SHA-256 of what was read, in hex. Once, at the end. */
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

  /** Left to itself, a request's iterator would close the connection at its end, and with it the answer. */
  private pieces(): AsyncIterable<Uint8Array> {
    return atLeastSlowly(this.req.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>);
  }
}
