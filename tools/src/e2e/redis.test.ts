import { execFileSync } from 'node:child_process';
import { describeMainJob } from './main-job.harness.ts';
import { hasProgram } from './program.harness.ts';

if (hasProgram('redis-server') || process.env.CI === 'true') {
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
