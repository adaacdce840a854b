import { describeKills } from './kills.harness.ts';
import { until } from './until.harness.ts';

describeKills(
  'PostgreSQL',
  { redis: false },
  {
    /** Dropped while it is in use, PostgreSQL may refuse one of the two sides for a deadlock: then it is dropped again. */
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
