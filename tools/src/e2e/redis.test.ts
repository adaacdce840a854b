import { execFileSync } from 'node:child_process';
import { describeMainJob } from './main-job.harness.ts';
import { findProgram } from './program.harness.ts';

if (findProgram('redis-server') || process.env.CI === 'true') {
  describeMainJob(
    'Redis',
    { redis: true },
    {
      async wipeQueue({ redisUrl }) {
        execFileSync('redis-cli', ['-u', redisUrl!, 'FLUSHALL']);
      },
    },
  );
} else {
  it.skip('the main job, queue on Redis [needs redis-server]', () => undefined);
}
