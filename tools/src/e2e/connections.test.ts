import { randomUUID } from 'node:crypto';
import { startFaultProxy, type FaultProxy } from '@foyer/testing';
import pg from 'pg';
import { startRedis, type RedisServer } from '../stack/redis.ts';
import { startStack, type Stack } from '../stack/stack.ts';
import { Outside } from './outside.harness.ts';
import { findProgram } from './program.harness.ts';
import { brokenPromises } from './promise.harness.ts';
import { until } from '@foyer/testing';
import { volume } from './volume.harness.ts';

const quick = {
  BOX_TIMEOUT_MS: '1000',
  LEASE_SECONDS: '2',
  STALLED_INTERVAL_MS: '1000',
  RELAY_INTERVAL_MS: '200',
  RELAY_GRACE_MS: '1000',
  RETRY_BASE_MS: '500',
  RETRY_MAX_MS: '1000',
};
const someone = (what: string): string => `00u-${what}-${randomUUID().slice(0, 8)}`;
const TERMINATIONS = volume(10, 30);

describe('connections of real processes', () => {
  let stack: Stack | undefined;
  const deaths: string[] = [];
  const lines: string[] = [];
  const boot = async (options: Parameters<typeof startStack>[0]): Promise<[Stack, Outside]> => {
    stack = await startStack({
      ...options,
      log: ({ part, line }) => void lines.push(`${part}: ${line}`),
      onDeath: (problem) => deaths.push(problem.message),
    });
    return [stack, new Outside(stack)];
  };
  beforeEach(() => {
    deaths.splice(0);
    lines.splice(0);
  });
  afterEach(async () => {
    await stack?.stop();
    stack = undefined;
  });
  const said = (event: string): boolean => lines.some((line) => line.includes(`"event":"${event}"`));

  it('lose nothing and end no process while PostgreSQL terminates them one after another', async () => {
    const [{ parts, databaseUrl }, outside] = await boot({ provisioners: 2, env: { provisioner: quick } });
    const admin = new pg.Client(databaseUrl);
    await admin.connect();
    const rounds = (async () => {
      for (let round = 0; round < TERMINATIONS; round++) {
        await admin.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
           WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY random() LIMIT 3`,
        );
        await outside.push(someone(`terminated-${round}`));
      }
    })();
    // Meanwhile a provisioner restarts again and again, so that its start is interrupted, too.
    const [first] = parts.provisioners;
    for (let times = 0; times < 3; times++) await first!.restart('SIGKILL');
    await rounds;
    await admin.end();
    await outside.allFinal();
    expect(deaths).toEqual([]);
    expect([parts.gateway!.running, ...parts.provisioners.map((part) => part.running)]).toEqual([
      true,
      true,
      true,
    ]);
    expect(outside.astonishing).toEqual([]);
    expect(await brokenPromises(stack!, outside)).toEqual([]);
  });

  const withRedis = findProgram('redis-server') || process.env.CI === 'true' ? it : it.skip;
  withRedis(
    'do without a Redis that is silent for good, and use it again later [needs redis-server]',
    async () => {
      const redis: RedisServer = await startRedis();
      const proxy: FaultProxy = await startFaultProxy(redis.url);
      try {
        const [, outside] = await boot({ redis: proxy.url, provisioners: 2, env: { provisioner: quick } });
        const before = someone('before');
        await outside.push(before);
        await outside.allFinal();
        proxy.set('black-hole');
        for (let n = 0; n < 10; n++) await outside.push(someone(`silent-${n}`));
        const person = await outside.newPerson('Silent Example');
        await outside.signIn(person);
        await outside.allFinal();
        expect(said('queue-away')).toBe(true);
        expect(said('ran-directly')).toBe(true);
        proxy.set(null);
        await until('the relay uses it again', async () => (said('queue-back') ? true : null));
        await outside.push(someone('after'));
        await outside.allFinal();
        expect(deaths).toEqual([]);
        expect(await brokenPromises(stack!, outside)).toEqual([]);
      } finally {
        await stack?.stop();
        stack = undefined;
        await proxy.close();
        await redis.stop();
      }
    },
  );
});
