import { randomUUID } from 'node:crypto';
import { startRedis, type RedisServer } from '../stack/redis.ts';
import { appPart, untilReady } from '../stack/apps.ts';
import { freePorts } from '../stack/ports.ts';
import { type Part } from '../stack/process.ts';
import { provisionerEnvironment } from '../stack/settings.ts';
import { startStack, type Stack } from '../stack/stack.ts';
import { Outside } from './outside.harness.ts';
import { findProgram } from './program.harness.ts';
import { brokenPromises } from './promise.harness.ts';
import { until } from '@foyer/testing';

const HOUR_MS = 3_600_000;
const PEOPLE = 10;
const quick = {
  RELAY_INTERVAL_MS: '200',
  RELAY_GRACE_MS: '1000',
  RETRY_BASE_MS: '1000',
  RETRY_MAX_MS: '2000',
};

/** A module that moves the clock of the process that loads it first. */
const clockAhead = (ms: number): string => `
  const Real = globalThis.Date;
  globalThis.Date = class extends Real {
    constructor(...given) { given.length === 0 ? super(Real.now() + ${ms}) : super(...given); }
    static now() { return Real.now() + ${ms}; }
  };`;
const withClockAhead = (ms: number): string =>
  `--import data:text/javascript,${encodeURIComponent(clockAhead(ms))}`;

describe('a provisioner whose clock is an hour ahead', () => {
  let stack: Stack | undefined;
  let second: Part | undefined;
  let redis: RedisServer | undefined;
  afterEach(async () => {
    await second?.stop();
    await stack?.stop();
    await redis?.stop();
    stack = second = redis = undefined;
  });

  /** A provisioner with the right clock, on the same database and queue. */
  async function startAnother({ databaseUrl, urls, redisUrl }: Stack): Promise<Part> {
    const [port = 0] = await freePorts(1);
    const portOf = (url: string) => Number(new URL(url).port);
    const ports = {
      ...{ gateway: portOf(urls.gateway), okta: portOf(urls.okta), box: portOf(urls.box) },
      provisioners: [port],
    };
    const wiring = { ports, databaseUrl, redisUrl, sessionSecret: '' };
    const part = appPart('provisioner', { ...provisionerEnvironment(wiring, port), ...quick }, { number: 2 });
    await part.start();
    await untilReady(part, `http://127.0.0.1:${port}`);
    return part;
  }

  async function retriesAreStarted(redisUrl?: string): Promise<void> {
    stack = await startStack({
      ...(redisUrl !== undefined && { redis: redisUrl }),
      provisioners: 1,
      env: { provisioner: { ...quick, NODE_OPTIONS: withClockAhead(HOUR_MS) } },
    });
    const outside = new Outside(stack);
    await stack.box.fault({
      kind: 'status',
      status: 503,
      times: null,
      match: { method: 'POST', path: '/2.0/users' },
    });
    for (let at = 0; at < PEOPLE; at += 1) await outside.push(`00u-clock-${at}-${randomUUID().slice(0, 8)}`);
    await until('every request waits for its next attempt', async () => {
      const [row] = await outside.query<{ count: number }>(
        `SELECT count(*)::int AS count FROM provisioning_request WHERE status = 'retrying'`,
      );
      return row?.count === PEOPLE ? row : null;
    });
    const [process] = await outside.query<{ ahead: number }>(
      `SELECT clock_offset_ms::float8 AS ahead FROM process WHERE app = 'provisioner'`,
    );
    expect(process!.ahead).toBeGreaterThan(HOUR_MS / 2);

    await stack.parts.provisioners[0]!.kill('SIGKILL');
    await stack.box.clearFaults();
    second = await startAnother(stack);
    // An hour late, if anything went by the clock that was wrong.
    await outside.allFinal();
    const rows = await outside.query<{ status: string }>('SELECT status FROM provisioning_request');
    expect(rows.map(({ status }) => status)).toEqual(Array.from({ length: PEOPLE }, () => 'succeeded'));
    expect(await brokenPromises(stack, outside)).toEqual([]);
  }

  it('leaves its retries to one with a correct clock, with the queue on PostgreSQL', () =>
    retriesAreStarted());

  const withRedis = findProgram('redis-server') || process.env.CI === 'true' ? it : it.skip;
  withRedis('leaves its retries to a right one, with the queue on Redis [needs redis-server]', async () => {
    redis = await startRedis();
    await retriesAreStarted(redis.url);
  });
});
