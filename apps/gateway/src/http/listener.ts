import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { ExpressAdapter } from '@nestjs/platform-express';

/**
 * How many connections may wait until the process accepts them; the system's own limit (`net.core.somaxconn`) may be
 * lower. When more come at once, the system ignores them, and their clients try again only seconds later.
 */
const BACKLOG = 4_096;

/** Nest's adapter for Express; it lets more connections wait than Node's 511. */
export class Listener extends ExpressAdapter {
  override listen(port: string | number, callback?: () => void): Server;
  override listen(port: string | number, hostname: string, callback?: () => void): Server;
  override listen(port: string | number, host?: string | (() => void), callback?: () => void): Server {
    const server: Server = this.getHttpServer();
    if (typeof host === 'string')
      return server.listen({ port: Number(port), host, backlog: BACKLOG }, callback);
    return server.listen({ port: Number(port), backlog: BACKLOG }, host);
  }
}

/** Asks `lets` about each request before the application sees it: false when it has answered the request itself. */
export function standInFront(
  server: Server,
  lets: (req: IncomingMessage, res: ServerResponse) => boolean,
): void {
  const behind = server.listeners('request') as RequestListener[];
  server.removeAllListeners('request');
  server.on('request', (req, res) => {
    if (lets(req, res)) for (const listener of behind) listener.call(server, req, res);
  });
}
