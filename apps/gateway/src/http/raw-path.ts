import type { IncomingMessage } from 'node:http';

/** The path of a request that Express has not seen, as `path` of Express has it. */
export function rawPath({ url = '' }: IncomingMessage): string {
  if (!url.startsWith('/')) return URL.parse(url)?.pathname ?? '';
  const end = url.search(/[?#]/);
  return end === -1 ? url : url.slice(0, end);
}
