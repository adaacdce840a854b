import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** A response of the twin on its way to the client; `body` is parsed JSON, or text. */
export interface Passing {
  status: number;
  headers: Record<string, string | string[]>;
  body: unknown;
}

/** Changes a response, or writes another one itself and returns undefined. */
export type Alteration = (
  answer: Passing,
  res: ServerResponse,
) => Passing | undefined | Promise<Passing | undefined>;

/**
 * A proxy in front of the Okta twin with an issuer of its own, which changes responses as a test requires: for
 * providers that behave unlike Okta, and for attacks.
 */
export class OktaFront {
  readonly issuer: string;
  /** The requested paths, in order. */
  readonly asked: string[] = [];
  private readonly server: Server;
  private readonly alterations = new Map<string, Alteration>();
  private target = '';

  private constructor(server: Server, suffix: string) {
    this.server = server;
    this.issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}${suffix}`;
  }

  /** `suffix`: the end of the issuer, such as a slash. */
  static async start(suffix = ''): Promise<OktaFront> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const front = new OktaFront(server, suffix);
    server.on('request', (req, res) => {
      front.pass(req.method ?? 'GET', req.url ?? '/', req.headers, req, res).catch((error: unknown) => {
        res.destroy(error instanceof Error ? error : undefined);
      });
    });
    return front;
  }

  /** The address to which requests are forwarded. */
  lead(target: string): void {
    this.target = target;
  }

  /** Changes responses of this path, or of this path of the org server, from now on; undefined stops it. */
  alter(path: string, alteration: Alteration | undefined): void {
    if (alteration === undefined) this.alterations.delete(path);
    else this.alterations.set(path, alteration);
  }

  straight(): void {
    this.alterations.clear();
    this.asked.length = 0;
  }

  countOf(path: string): number {
    return this.asked.filter((asked) => isAt(asked, path)).length;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async pass(
    method: string,
    url: string,
    { host: _host, connection: _connection, ...headers }: IncomingHttpHeaders,
    body: NodeJS.ReadableStream,
    res: ServerResponse,
  ): Promise<void> {
    const path = url.replace(/^\/+/, '/');
    const [pathname = ''] = path.split('?', 1);
    this.asked.push(pathname);
    const sent = await buffer(body);
    const answer = await fetch(this.target + path, {
      method,
      headers: Object.entries(headers).map(([name, value]) => [name, String(value)] as [string, string]),
      redirect: 'manual',
      ...(sent.length > 0 && { body: new Uint8Array(sent) }),
    });
    const text = await answer.text();
    const passing: Passing = { status: answer.status, headers: headersOf(answer), body: readJson(text) };
    const [, alteration] = [...this.alterations].find(([altered]) => isAt(pathname, altered)) ?? [];
    const changed = alteration === undefined ? passing : await alteration(passing, res);
    if (changed === undefined) return;
    const out = typeof changed.body === 'string' ? changed.body : JSON.stringify(changed.body);
    res.writeHead(changed.status, changed.headers).end(out);
  }
}

const isAt = (pathname: string, path: string): boolean => pathname === path || pathname === `/oauth2${path}`;

function headersOf(answer: Response): Record<string, string | string[]> {
  const dropped = new Set([
    'content-length',
    'content-encoding',
    'transfer-encoding',
    'connection',
    'keep-alive',
  ]);
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of answer.headers) if (!dropped.has(name)) headers[name] = value;
  const cookies = answer.headers.getSetCookie();
  if (cookies.length > 0) headers['set-cookie'] = cookies;
  return headers;
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Changes the fields of a JSON body; undefined removes one. */
export const withFields =
  (fields: Record<string, unknown>): Alteration =>
  (answer) => ({ ...answer, body: { ...(answer.body as object), ...fields } });
