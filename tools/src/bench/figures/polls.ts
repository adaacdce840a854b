import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { startStack, type Stack } from '../../stack/stack.ts';
import { cpuMs } from '../cpu.ts';
import { atMost, type Figure, grouped, type Measurement, type Scale } from '../figure.ts';
import { median } from '../measure.ts';

const sizes: Record<Scale, { polls: number; tokens: number }> = {
  full: { polls: 10_000, tokens: 50 },
  small: { polls: 300, tokens: 5 },
};
/** For how long /healthz is watched before each crowd. */
const IDLE_MS = 1_000;
/** The response to a held poll ends within this, in seconds. */
const HELD_S = 5;

interface Answer {
  /** 0: no response. */
  readonly status: number;
  readonly retryAfter: boolean;
  readonly ms: number;
}

/**
 * Ten thousand polls of one status, all sent at once: with one token, with fifty, and held ones. Whatever the gateway
 * cannot serve it must refuse at once with Retry-After, and /healthz must answer meanwhile.
 */
async function polls(scale: Scale, say: (line: string) => void): Promise<Figure[]> {
  const { polls: count, tokens: number } = sizes[scale];
  const stack = await startStack({ env: { gateway: { API_LIMIT_PER_MINUTE: '0' } } });
  let watch: Worker | undefined;
  try {
    // The request does not end meanwhile, so that polls can be held.
    await stack.box.fault({
      kind: 'status',
      status: 503,
      times: null,
      match: { method: 'POST', path: '/2.0/users' },
    });
    const tokens: string[] = [];
    while (tokens.length < number) tokens.push(await stack.okta.serviceToken('foyer.read foyer.write'));
    const url = await pushOne(stack, tokens[0]!);
    const health = `${stack.urls.gateway.replace('localhost', '127.0.0.1')}/healthz`;
    watch = new Worker(new URL('../programs/health-watch.js', import.meta.url), {
      workerData: { url: health },
    });
    const figures: Figure[] = [];
    for (const [what, using, headers] of [
      ['with one token', tokens.slice(0, 1), {}],
      [`with ${number} tokens`, tokens, {}],
      [`with ${number} tokens, held`, tokens, { prefer: `wait=${HELD_S}` }],
    ] as const) {
      await look(watch);
      await pause(IDLE_MS);
      const idle = await look(watch);
      const began = await cpuMs([stack.parts.gateway]);
      const answers = await Promise.all(
        Array.from({ length: count }, (_, n) =>
          get(url, { ...headers, authorization: `Bearer ${using[n % using.length]!}` }),
        ),
      );
      const ended = await cpuMs([stack.parts.gateway]);
      const line = figuresOf(`${grouped(count)} polls ${what}`, answers, median(idle), await look(watch));
      const each =
        began === null || ended === null
          ? ''
          : `, ${((ended - began) / count).toFixed(3)} ms of processor time each`;
      say(`${what}: ${describe(answers)}${each}`);
      figures.push(...line);
    }
    return figures;
  } finally {
    await watch?.terminate();
    await stack.stop();
  }
}

const percentile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0;

function figuresOf(
  what: string,
  answers: readonly Answer[],
  idleMs: number,
  health: readonly number[],
): Figure[] {
  const counts = Object.fromEntries(
    [...new Set(answers.map(({ status }) => status))].map((status) => [
      `status ${status}`,
      answers.filter((answer) => answer.status === status).length,
    ]),
  );
  const served = answers.filter(({ status }) => status === 200).map(({ ms }) => ms);
  const refused = answers.filter(({ status }) => status === 429 || status === 503);
  const unhelpful = answers.length - served.length - refused.filter(({ retryAfter }) => retryAfter).length;
  const whole = Math.max(...answers.map(({ ms }) => ms));
  return [
    atMost(`${what}: neither served nor refused with Retry-After`, unhelpful, 0, counts),
    atMost(
      `${what}: half of the refusals over the time of all`,
      median([0, ...refused.map(({ ms }) => ms)]) / whole,
      1,
      {
        refused: median([0, ...refused.map(({ ms }) => ms)]),
        servedHalf: median([0, ...served]),
        whole,
      },
    ),
    atMost(`${what}: the slowest /healthz meanwhile over the time of all`, Math.max(...health) / whole, 0.5, {
      idleMs,
      p50: percentile(health, 0.5),
      slowest: Math.max(...health),
      whole,
    }),
  ];
}

const describe = (answers: readonly Answer[]): string =>
  [200, 429, 503, 0]
    .map((status) => {
      const of = answers.filter((answer) => answer.status === status).map(({ ms }) => ms);
      return `${of.length} with ${status} in ${percentile(of, 0.5).toFixed(0)} to ${percentile(of, 1).toFixed(0)} ms`;
    })
    .join(', ');

/** How long each /healthz took since the last look, in milliseconds. */
async function look(watch: Worker): Promise<number[]> {
  watch.postMessage('look');
  const [taken] = (await once(watch, 'message')) as [number[]];
  return taken;
}

/** Pushes a person; the address of the request's status. */
async function pushOne(stack: Stack, token: string): Promise<URL> {
  const base = stack.urls.gateway.replace('localhost', '127.0.0.1');
  const subject = `polled-${randomUUID()}`;
  const response = await fetch(`${base}/v1/provisioning-requests`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'idempotency-key': subject,
    },
    body: JSON.stringify({ subject, username: `${subject}@example.com`, name: 'Polled Person' }),
  });
  const location = response.headers.get('location');
  if (response.status !== 202 || location === null)
    throw new Error(`A push was answered with ${response.status} instead of 202.`);
  return new URL(location, base);
}

/** One request on a connection of its own. */
function get(url: URL, headers: Record<string, string>): Promise<Answer> {
  const begun = performance.now();
  return new Promise((resolve) => {
    const end = (status: number, retryAfter = false) =>
      resolve({ status, retryAfter, ms: performance.now() - begun });
    const sent = http.request(url, { headers, agent: false }, (response) => {
      response.resume();
      response.on('end', () => end(response.statusCode ?? 0, response.headers['retry-after'] !== undefined));
      response.on('error', () => end(0));
    });
    sent.on('error', () => end(0));
    sent.end();
  });
}

export const pollsMeasurement: Measurement = {
  name: 'polls',
  about:
    '10 000 polls at once: each is served or refused at once with Retry-After, and /healthz answers meanwhile',
  measure: polls,
};
