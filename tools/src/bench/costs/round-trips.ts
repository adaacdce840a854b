import net from 'node:net';

/** Messages after which a client waits for PostgreSQL: Query and Sync (protocol 3.0, "Message Formats"). */
const WAITS = new Set(['Q'.charCodeAt(0), 'S'.charCodeAt(0)]);
const HEADER = 5;
const STARTUP_HEADER = 4;

/** Counts, in what one client sends, the messages after which it waits for the server. The first message has no type. */
export class FrontendCounter {
  waits = 0;
  private rest: Buffer = Buffer.alloc(0);
  private isStarted = false;

  add(chunk: Buffer): void {
    this.rest = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    for (;;) {
      const typed = this.isStarted ? 1 : 0;
      if (this.rest.length < (this.isStarted ? HEADER : STARTUP_HEADER)) return;
      const end = typed + this.rest.readUInt32BE(typed);
      if (this.rest.length < end) return;
      if (this.isStarted && WAITS.has(this.rest[0]!)) this.waits++;
      this.isStarted = true;
      this.rest = this.rest.subarray(end);
    }
  }
}

export interface CountingProxy {
  /** The address of the same server and database through the proxy. */
  readonly url: string;
  /** Round trips of all connections so far. */
  count(): number;
  close(): Promise<void>;
}

/** Passes on connections to a PostgreSQL server, without TLS, and counts their round trips. */
export async function startCountingProxy(serverUrl: string): Promise<CountingProxy> {
  const target = new URL(serverUrl);
  const counters: FrontendCounter[] = [];
  const sockets = new Set<net.Socket>();
  const server = net.createServer({ noDelay: true }, (client) => {
    const counter = new FrontendCounter();
    counters.push(counter);
    const upstream = net.connect({ host: target.hostname, port: Number(target.port), noDelay: true });
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
    client.on('data', (chunk: Buffer) => counter.add(chunk));
    client.pipe(upstream);
    upstream.pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(serverUrl);
  url.port = String((server.address() as net.AddressInfo).port);
  return {
    url: url.href,
    count: () => counters.reduce((sum, { waits }) => sum + waits, 0),
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
