import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';

/** For box.test, valid until 2126; used for nothing else. */
export const certificate = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg61MxoLxGo87ZqFmv
aGQCtKe2II5D2fdvpsyl4Hq8dmyhRANCAAR6l0WC/sFvj3tRFNKkELR1QaXlvePf
v/TSMxiEHwzYR46wMmi7O0xJd36yd/Z87bkq+l2bwI/QS89CrUckIupi
-----END PRIVATE KEY-----`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBkzCCATigAwIBAgIUF36X+VOteOmKQAkDTnNpRjaC6k0wCgYIKoZIzj0EAwIw
EzERMA8GA1UEAwwIYm94LnRlc3QwIBcNMjYxMTMwMTEwMzE3WhgPMjEyNjExMDYx
MTAzMTdaMBMxETAPBgNVBAMMCGJveC50ZXN0MFkwEwYHKoZIzj0CAQYIKoZIzj0D
AQcDQgAEepdFgv7Bb497URTSpBC0dUGl5b3j37/00jMYhB8M2EeOsDJouztMSXd+
snf2fO25Kvpdm8CP0EvPQq1HJCLqYqNoMGYwHQYDVR0OBBYEFO/oH0LNHKGZs1Cb
2H89whjC3OTAMB8GA1UdIwQYMBaAFO/oH0LNHKGZs1Cb2H89whjC3OTAMA8GA1Ud
EwEB/wQFMAMBAf8wEwYDVR0RBAwwCoIIYm94LnRlc3QwCgYIKoZIzj0EAwIDSQAw
RgIhALEdzx7+YUNtSzxCtSkCgzab2mnEVuFpPBfXa31mHmqjAiEAlwh6v3Np4EJ0
wK4I6eEzU6LZYOSwbK7j1XQSZaeZkkc=
-----END CERTIFICATE-----`,
};

/** A corporate proxy: forwards plain requests, and tunnels to one server whatever host CONNECT names. */
export class Proxy {
  /** The requests that it received: `CONNECT host:port`, or `GET http://...`. */
  readonly asked: string[] = [];
  /** Refuses tunnels with this status instead. */
  refuse: number | null = null;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  private constructor(targetPort: number) {
    this.server = createServer((req, res) => {
      this.asked.push(`${req.method} ${req.url}`);
      const { method, headers } = req;
      const onward = request(req.url ?? '', { method, headers, agent: false }, (answer) => {
        res.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(res);
      });
      onward.on('error', () => res.destroy());
      req.pipe(onward);
    });
    this.server.on('connect', (req, socket: Socket) => {
      this.asked.push(`CONNECT ${req.url}`);
      this.keep(socket);
      if (this.refuse !== null) return void socket.end(`HTTP/1.1 ${this.refuse} No\r\n\r\n`);
      const onward = this.keep(connect(targetPort, '127.0.0.1'));
      onward.once('connect', () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
        onward.pipe(socket).pipe(onward);
      });
    });
  }

  static async start(targetPort: number): Promise<Proxy> {
    const proxy = new Proxy(targetPort);
    await once(proxy.server.listen(0, '127.0.0.1'), 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private keep(socket: Socket): Socket {
    this.sockets.add(socket);
    return socket.on('error', () => undefined).on('close', () => this.sockets.delete(socket));
  }
}
