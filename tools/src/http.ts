import * as plain from 'node:http';
import * as secure from 'node:https';
import { lookup as systemLookup } from 'node:dns';
import { type LookupFunction } from 'node:net';

export interface Answer {
  status: number;
  headers: Headers;
  body: string;
}

/** Browsers resolve every name under localhost to this machine (RFC 6761, 6.3); the system may not. */
const lookup: LookupFunction = (hostname, options, callback) => {
  if (hostname !== 'localhost' && !hostname.endsWith('.localhost')) {
    systemLookup(hostname, options, callback);
    return;
  }
  if (options.all) callback(null, [{ address: '127.0.0.1', family: 4 }]);
  else callback(null, '127.0.0.1', 4);
};

/**
 * One HTTP request as a browser makes it.
 * @throws the network's error, or an error that there was no response within `withinMs`
 */
export function request(
  url: string,
  options: { method?: string; headers?: Record<string, string>; body?: string; withinMs?: number } = {},
): Promise<Answer> {
  const { method = 'GET', headers = {}, body, withinMs = 60_000 } = options;
  const target = new URL(url);
  const send = target.protocol === 'https:' ? secure.request : plain.request;
  return new Promise((resolve, reject) => {
    const sent = send(
      target,
      {
        method,
        lookup,
        headers:
          body === undefined ? headers : { ...headers, 'content-length': String(Buffer.byteLength(body)) },
        signal: AbortSignal.timeout(withinMs),
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          resolve({
            status: response.statusCode ?? 0,
            headers: headersOf(response),
            body: Buffer.concat(chunks).toString('utf8'),
          });
        });
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

function headersOf({ rawHeaders }: plain.IncomingMessage): Headers {
  const headers = new Headers();
  for (let at = 0; at < rawHeaders.length; at += 2)
    headers.append(rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '');
  return headers;
}
