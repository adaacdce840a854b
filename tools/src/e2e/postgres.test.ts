import pg from 'pg';
import { describeMainJob } from './main-job.harness.ts';

describeMainJob(
  'PostgreSQL',
  { redis: false },
  {
    async wipeQueue({ databaseUrl }) {
      const client = new pg.Client(databaseUrl);
      await client.connect();
      await client.query('DROP SCHEMA foyer_queue CASCADE');
      await client.end();
    },
  },
);
