import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import pg from 'pg';

export interface TestDatabase {
  /** Connects through a proxy of our own, which `goAway` closes. */
  readonly url: string;
  /** The rows of a query, without the proxy. */
  query<T extends pg.QueryResultRow>(sql: string, values?: unknown[]): Promise<T[]>;
  /** Behaves like a stopped server: connections break, and new ones are refused. */
  goAway(): Promise<void>;
  comeBack(): Promise<void>;
  drop(): Promise<void>;
}

/** A fresh database with every migration, on the server of this Jest run. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const server = process.env.FOYER_TEST_POSTGRES_URL;
  if (server === undefined) throw new Error('FOYER_TEST_POSTGRES_URL is not set: run the tests by npm test.');
  const name = `gateway_${randomUUID().replaceAll('-', '')}`;
  await ask(server, `CREATE DATABASE ${name} TEMPLATE foyer_template`);
  const direct = new URL(server);
  direct.pathname = `/${name}`;
  const gate = new Gate(Number(direct.port), direct.hostname);
  await gate.open();
  const url = new URL(direct);
  url.hostname = '127.0.0.1';
  url.port = String(gate.port);
  return {
    url: url.href,
    query: <T extends pg.QueryResultRow>(sql: string, values?: unknown[]) => ask<T>(direct.href, sql, values),
    goAway: () => gate.shut(),
    comeBack: () => gate.open(),
    async drop() {
      await gate.shut();
      await ask(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    },
  };
}

/** Forwards connections while it is open. */
class Gate {
  port = 0;
  private readonly target: { readonly port: number; readonly host: string };
  private readonly sockets = new Set<Socket>();
  private readonly server = createServer((inner) => {
    const outer = connect(this.target);
    for (const [socket, other] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      this.sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });

  constructor(port: number, host: string) {
    this.target = { port, host };
  }

  async open(): Promise<void> {
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
    const address = this.server.address();
    if (address !== null && typeof address === 'object') this.port = address.port;
  }

  async shut(): Promise<void> {
    if (!this.server.listening) return;
    const closed = once(this.server, 'close');
    this.server.close();
    for (const socket of this.sockets) socket.resetAndDestroy();
    await closed;
  }
}

async function ask<T extends pg.QueryResultRow>(url: string, sql: string, values?: unknown[]): Promise<T[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<T>(sql, values)).rows;
  } finally {
    await client.end();
  }
}
