import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Worker } from 'node:worker_threads';
import { afterEach, expect, test } from '@jest/globals';
import { Listener, standInFront } from './listener.ts';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

test('what stands in front answers a request before the application, or leaves it to the application', async () => {
  const reached: (string | undefined)[] = [];
  const server = createServer((req, res) => {
    reached.push(req.url);
    res.end('application');
  });
  standInFront(server, (req, res) => {
    if (req.url !== '/front') return true;
    res.end('front');
    return false;
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  undo.push(() => server.close());
  const ask = async (path: string) => (await fetch(`http://127.0.0.1:${portOf(server)}${path}`)).text();
  expect([await ask('/front'), await ask('/other')]).toEqual(['front', 'application']);
  expect(reached).toEqual(['/other']);
});

/** Opens connections, and counts those that the system has made, although the process accepts none. */
const connections = `
  const { connect } = require('node:net');
  const { workerData: { port, count, made } } = require('node:worker_threads');
  for (let at = 0; at < count; at++) {
    const socket = connect(port, '127.0.0.1', () => {
      if (Atomics.add(made, 0, 1) + 1 === count) Atomics.notify(made, 1, 1);
    });
    socket.on('error', () => undefined);
  }
`;

/** More than Node's 511, if the system allows it; 128 is the least that systems allow. */
const COUNT = Math.min(1_000, readNumber('/proc/sys/net/core/somaxconn') ?? 128);

test('a thousand connections can wait for a busy process, or as many as the system allows', async () => {
  const adapter = new Listener();
  adapter.initHttpServer({});
  const server = adapter.listen(0, '127.0.0.1');
  await once(server, 'listening');
  undo.push(() => server.close());
  const made = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(connections, {
    eval: true,
    workerData: { port: portOf(server), count: COUNT, made },
  });
  undo.push(() => worker.terminate());
  await once(worker, 'online');
  // Blocks this thread, so that it accepts nothing meanwhile.
  Atomics.wait(made, 1, 0, 20_000);
  expect(made[0]).toBe(COUNT);
});

function readNumber(path: string): number | undefined {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
