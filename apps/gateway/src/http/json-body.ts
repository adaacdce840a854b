import { FoyerError } from '@foyer/shared';
import express, { type Request, type RequestHandler } from 'express';

/**
 * The deepest nesting of objects and lists. Our own bodies stay far below it, and parsing a deeper one would block
 * other requests.
 */
export const MAX_JSON_DEPTH = 64;

/** Why a body is not accepted as JSON. `message` is for the client, and quotes nothing of the body. */
export class MalformedJson extends Error {}

/** Parses JSON in UTF-8 (RFC 8259, section 8.1). Throws MalformedJson for anything else, and for too deep nesting. */
export function parseJson(bytes: Uint8Array): unknown {
  if (tooDeepAt(bytes) !== null) throw new MalformedJson(`The body is nested deeper than ${MAX_JSON_DEPTH}.`);
  try {
    return JSON.parse(utf8.decode(bytes)) as unknown;
  } catch (cause) {
    throw new MalformedJson('The body must be JSON in UTF-8.', { cause });
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });
const [QUOTE, BACKSLASH] = [0x22, 0x5c];
const opening: ReadonlySet<number | undefined> = new Set([0x5b, 0x7b]);
const closing: ReadonlySet<number | undefined> = new Set([0x5d, 0x7d]);

/** The position of the first bracket that is nested too deep; null when there is none. Reads no further than that. */
export function tooDeepAt(bytes: Uint8Array): number | null {
  let depth = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) at = endOfString(bytes, at);
    else if (opening.has(byte)) depth += 1;
    else if (closing.has(byte)) depth -= 1;
    if (depth > MAX_JSON_DEPTH) return at;
  }
  return null;
}

function endOfString(bytes: Uint8Array, start: number): number {
  let at = start + 1;
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return at;
}

/** Throws `unsupported_media_type` for a charset other than UTF-8. */
export function checkCharset(type: string): void {
  if (/;\s*charset\s*=/i.test(type) && !/;\s*charset\s*=\s*"?utf-?8"?\s*(;|$)/i.test(type))
    throw new FoyerError('unsupported_media_type', 'Send UTF-8.');
}

/** Reads JSON bodies into `req.body`, which must be an object or a list. Fails with `malformed_body` and the like. */
export function jsonBody(limit: string): readonly RequestHandler[] {
  const read = express.raw({ limit, type: ['application/json', 'application/*+json'] });
  const parse: RequestHandler = (req: Request, _res, next) => {
    const bytes: unknown = req.body;
    if (Buffer.isBuffer(bytes)) {
      checkCharset(req.get('content-type') ?? '');
      req.body = bytes.length === 0 ? {} : objectOf(bytes);
    }
    next();
  };
  return [read, parse];
}

function objectOf(bytes: Uint8Array): unknown {
  try {
    const value = parseJson(bytes);
    if (typeof value === 'object' && value !== null) return value;
  } catch (error) {
    if (error instanceof MalformedJson)
      throw new FoyerError('malformed_body', error.message, { cause: error });
    throw error;
  }
  throw new FoyerError('malformed_body', 'The body must be an object or a list.');
}
