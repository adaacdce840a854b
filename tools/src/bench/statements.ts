import { startStack } from '../stack/stack.ts';
import { Crowd } from './crowd.ts';
import { type Item, type Scale } from './figure.ts';
import { countStatements, perOne, resetStatements, startCountingPostgres } from './statement-counter.ts';
import { UNLIMITED } from './unlimited.ts';

const PEOPLE: Record<Scale, number> = { full: 1_000, small: 200 };
/** Rarer statements belong to relay rounds, checks for stalled jobs and the like. */
const LEAST_PER_PERSON = 0.02;

/**
 * Every statement that draining one identity costs, including the queue's own, most frequent first; the first item is
 * their sum. The server counts them (pg_stat_statements), in a run of its own because counting costs time.
 */
export async function statementsPerIdentity(scale: Scale): Promise<Item[]> {
  const people = PEOPLE[scale];
  const server = await startCountingPostgres();
  try {
    const stack = await startStack({
      parts: ['box', 'provisioner'],
      postgresUrl: server.url,
      env: UNLIMITED,
    });
    const crowd = await Crowd.open(stack.databaseUrl);
    try {
      await crowd.admit(people);
      await resetStatements(server);
      await crowd.release();
      const items = (await countStatements(server, stack.databaseUrl)).filter(
        ({ what }) => !NOT_OURS.test(what),
      );
      const all = items.reduce((sum, { count }) => sum + count, 0);
      const shown = items.filter(({ count }) => count / people >= LEAST_PER_PERSON);
      return perOne([{ what: 'all SQL statements of an identity', count: all }, ...shown], people);
    } finally {
      await crowd.close();
      await stack.stop();
    }
  } finally {
    await server.stop();
  }
}

/** The bench's own statements, which release people and check whether they are done. */
const NOT_OURS =
  /^(ANALYZE|SELECT EXISTS \(SELECT FROM provisioning_request|UPDATE provisioning_request SET due_at = clock_timestamp\(\) WHERE id = ANY|SELECT count\(\*\) FILTER)/;
