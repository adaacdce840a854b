import { describeKills } from './kills.harness.ts';
import { until } from '@foyer/testing';

describeKills(
  'PostgreSQL',
  { redis: false },
  {
    /**
     * PostgreSQL may report a deadlock to either side when the schema is dropped while it is in use; then it is dropped
     * again.
     */
    loseQueue: async (_stack, outside) => {
      await until('the queue’s schema is dropped', () =>
        outside.query('DROP SCHEMA IF EXISTS foyer_queue CASCADE').then(
          () => true,
          () => null,
        ),
      );
    },
  },
);
