import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { FoyerError, type BatchFormat } from '@foyer/shared';

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
    // Left to itself, the iterator would close the connection, and with it the answer.
    const reader = this.req.iterator({ destroyOnReturn: false }) as AsyncIterator<Uint8Array>;
    const { promise: stopped, reject } = Promise.withResolvers<never>();
    stopped.catch(() => undefined);
    const stop = () => reject(new Error('stopping'));
    this.stopping.addEventListener('abort', stop, { once: true });
    if (this.stopping.aborted) stop();
    try {
      for (;;) {
        const next = await Promise.race([reader.next(), stopped]);
        if (next.done) return;
        this.digest.update(next.value);
        yield next.value;
      }
    } finally {
      this.stopping.removeEventListener('abort', stop);
      // Not waited for: a read that never ends would hold it.
      reader.return?.().then(
        () => this.req.resume(),
        () => undefined,
      );
    }
  }
}
