import { execFileSync } from 'node:child_process';
import { describeKills } from './kills.harness.ts';
import { findProgram } from './program.harness.ts';

if (findProgram('redis-server') || process.env.CI === 'true') {
  describeKills(
    'Redis',
    { redis: true },
    {
      loseQueue: async ({ redisUrl }) => {
        execFileSync('redis-cli', ['-u', redisUrl!, 'FLUSHALL']);
      },
    },
  );
} else {
  it.skip('real kills, queue on Redis [needs redis-server]', () => undefined);
}
