import { randomUUID } from 'node:crypto';
import http from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { freePorts } from '../../stack/ports.ts';
import { type Stack, startStack } from '../../stack/stack.ts';
import { atMost, type Figure, grouped, type Measurement, type Scale } from '../figure.ts';
import { heldBy, type Held } from '../inspector.ts';
import { median } from '../measure.ts';
import { UNLIMITED } from '../unlimited.ts';

const sizes: Record<Scale, { few: number; many: number }> = {
  full: { few: 1_000, many: 100_000 },
  small: { few: 500, many: 2_000 },
};
const CLIENTS = 8;
const LOOKS = 5;
const MIB = 2 ** 20;
const apps = ['gateway', 'provisioner'] as const;
type Both = Record<(typeof apps)[number], Held>;

/** The memory of gateway and provisioner after many requests over the API, compared with a few. */
async function memory(scale: Scale, say: (line: string) => void): Promise<Figure[]> {
  const { few, many } = sizes[scale];
  const [gateway = 0, provisioner = 0] = await freePorts(2);
  const ports = { gateway, provisioner };
  const inspected = (port: number) => ({ NODE_OPTIONS: `--inspect=127.0.0.1:${port}` });
  const stack = await startStack({
    env: {
      box: UNLIMITED.box,
      gateway: { ...UNLIMITED.gateway, ...inspected(gateway) },
      provisioner: { ...UNLIMITED.provisioner, ...inspected(provisioner) },
    },
  });
  try {
    await push(stack, few);
    const before = await look(ports);
    say(`after ${grouped(few)} requests; ${grouped(many)} follow`);
    await push(stack, many - few);
    const after = await look(ports);
    return apps.flatMap((app) =>
      figures(app, before[app], after[app], `${grouped(many)} requests over after ${grouped(few)}`),
    );
  } finally {
    await stack.stop();
  }
}

function figures(app: string, before: Held, after: Held, sizesInWords: string): Figure[] {
  const inMiB = { before: before.rss / MIB, after: after.rss / MIB };
  const live = { before: before.heapUsed / MIB, after: after.heapUsed / MIB };
  return [
    atMost(`resident memory of the ${app} after ${sizesInWords}`, inMiB.after / inMiB.before, 1.1, inMiB),
    atMost(`live heap of the ${app} after ${sizesInWords}`, live.after / live.before, 1.1, live),
  ];
}

/** Medians of a few readings, each after a forced collection. */
async function look(ports: Record<keyof Both, number>): Promise<Both> {
  const one = async (port: number): Promise<Held> => {
    const looks: Held[] = [];
    for (let n = 0; n < LOOKS; n++) looks.push(await heldBy(port));
    return {
      rss: median(looks.map(({ rss }) => rss)),
      heapUsed: median(looks.map(({ heapUsed }) => heapUsed)),
    };
  };
  return { gateway: await one(ports.gateway), provisioner: await one(ports.provisioner) };
}

/**
 * Pushes this many new people over the API, a few clients at a time, each with a key of its own; resolves when all are
 * done.
 */
async function push(stack: Stack, count: number): Promise<void> {
  const token = await stack.okta.serviceToken('foyer.write');
  const agent = new http.Agent({ keepAlive: true, maxSockets: CLIENTS });
  const url = new URL(`${stack.urls.gateway.replace('localhost', '127.0.0.1')}/v1/provisioning-requests`);
  let left = count;
  const client = async (): Promise<void> => {
    while (left-- > 0) {
      const status = await post(url, token, agent);
      if (status !== 202) throw new Error(`A push was answered with ${status} instead of 202.`);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  agent.destroy();
  await untilDone(stack.databaseUrl);
}

function post(url: URL, token: string, agent: http.Agent): Promise<number> {
  const subject = `bench-${randomUUID()}`;
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    'idempotency-key': subject,
  };
  return new Promise((resolve, reject) => {
    const sent = http.request(url, { method: 'POST', agent, headers }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(JSON.stringify({ subject, username: `${subject}@example.com`, name: 'Bench Person' }));
  });
}

const LOOK_EVERY_MS = 200;
/** Far more than the slowest machine takes, so only a stuck request reaches it. */
const WITHIN_MS = 1_800_000;

async function untilDone(databaseUrl: string): Promise<void> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  try {
    for (const until = performance.now() + WITHIN_MS; performance.now() < until; await pause(LOOK_EVERY_MS)) {
      const { rows } = await client.query<{ open: boolean }>(
        'SELECT EXISTS (SELECT FROM provisioning_request WHERE due_at IS NOT NULL) AS open',
      );
      if (!rows[0]!.open) return;
    }
    throw new Error(`Not all requests were done within ${WITHIN_MS / 60_000} minutes.`);
  } finally {
    await client.end();
  }
}

export const memoryMeasurement: Measurement = {
  name: 'memory',
  about: 'memory of gateway and provisioner after 100 000 requests over after 1 000: at most 1.1',
  measure: memory,
};
