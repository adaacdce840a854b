import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from '@jest/globals';
import { FoyerError } from '@foyer/shared';
import express, { type NextFunction, type Request, type Response } from 'express';
import { atLeastSlowly, bodyInTime, limitServer } from './slow-clients.ts';

let server: Server;
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function serve(listener: RequestListener): Promise<number> {
  server = createServer(listener);
  limitServer(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

const app = (limitMs: number) =>
  express()
    .use(
      bodyInTime(({ path }) => path === '/long', limitMs),
      express.json(),
    )
    .post('/', (req, res) => void res.json(req.body))
    .use((error: unknown, _req: Request, res: Response, _next: NextFunction) => {
      if (!res.headersSent) res.status(error instanceof FoyerError ? 408 : 400).end();
    });

describe('a body', () => {
  test('that does not arrive in time is answered with 408, and its connection ends', async () => {
    const port = await serve(app(200));
    const socket = connect(port, '127.0.0.1');
    socket.write(
      'POST / HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{',
    );
    // One byte of the body has arrived, and the rest never does.
    const answer = await text(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toMatch(/^connection: close\r$/im);
  });

  test('that arrives in time is read', async () => {
    const port = await serve(app(60_000));
    const answer = await fetch(`http://127.0.0.1:${port}/`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"a":1}',
    });
    expect(await answer.json()).toEqual({ a: 1 });
  });
});

test('a server limits the wait for headers, and every other wait', async () => {
  await serve(app(1_000));
  expect(server.headersTimeout).toBe(15_000);
  expect(server.requestTimeout).toBe(3_600_000);
  expect(server.keepAliveTimeout).toBe(65_000);
});

describe('a long body', () => {
  const clock = { now: 0 };
  const rules = { graceMs: 1_000, slowest: 100, now: () => clock.now };

  async function* pieces(every: number, size: number, count: number) {
    for (let at = 0; at < count; at++) {
      clock.now += every;
      yield Buffer.alloc(size);
    }
  }

  async function read(source: AsyncIterable<Buffer>, work = 0): Promise<number> {
    let size = 0;
    for await (const piece of atLeastSlowly(source, rules)) {
      size += piece.byteLength;
      clock.now += work;
    }
    return size;
  }

  test('may take any time above the minimum speed', async () => {
    await serve(app(1));
    expect(await read(pieces(500, 100, 1_000))).toBe(100_000);
  });

  test('does not time out because the server is slow', async () => {
    await serve(app(1));
    expect(await read(pieces(1, 10, 100), 100_000)).toBe(1_000);
  });

  test('ends when it trickles, and when nothing comes', async () => {
    await serve(app(1));
    await expect(read(pieces(100, 1, 1_000))).rejects.toMatchObject({ code: 'request_timeout' });
    const never = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) }) };
    const quick = { ...rules, graceMs: 50, now: () => performance.now() };
    await expect(atLeastSlowly(never, quick).next()).rejects.toMatchObject({ code: 'request_timeout' });
  });
});
