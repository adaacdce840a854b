import { openDatabase, openTenant } from '@foyer/persistence';
import pg from 'pg';
import { startPostgres } from '../../stack/postgres.ts';
import { type Part } from '../../stack/process.ts';
import { type Stack, startStack } from '../../stack/stack.ts';
import { startDrainWorker } from '../child.ts';
import { Crowd } from '../crowd.ts';
import { atMost, type Figure, grouped, type Measurement, type Scale } from '../figure.ts';
import { load } from '../load.ts';
import { median, rate } from '../measure.ts';
import { untilSealed } from '../sealed.ts';
import { UNLIMITED } from '../unlimited.ts';

const sizes: Record<Scale, { few: number; many: number; people: number; rounds: number }> = {
  full: { few: 1_000, many: 1_000_000, people: 1_000, rounds: 5 },
  small: { few: 1_000, many: 20_000, people: 200, rounds: 2 },
};
const TENANT = 'default';
const POLLED = 1_000;
const POLLS = { connections: 8, ms: 2_500, status: 200 };

/** One database with its gateway and its worker, and their results, round by round. */
interface Side {
  readonly stack: Stack;
  readonly worker: Part;
  readonly crowd: Crowd;
  readonly polled: readonly string[];
  readonly headers: Record<string, string>;
  /** Polls a second, milliseconds of an intake, people a second. */
  readonly took: { polls: number[]; intake: number[]; drained: number[] };
}

/**
 * The cost of a poll, an intake and a converge with many people in the tables, compared with few; in turns, on one
 * server.
 */
async function size(scale: Scale, say: (line: string) => void): Promise<Figure[]> {
  const { few, many, people, rounds } = sizes[scale];
  const server = await startPostgres();
  const sides: Side[] = [];
  try {
    for (const count of [few, many]) {
      say(`filling the tables with ${grouped(count)} people`);
      sides.push(await side(server.url, count));
    }
    say('measuring in turns');
    for (let round = 0; round <= rounds; round++) {
      for (const one of round % 2 === 0 ? sides : [...sides].reverse()) await measureOnce(one, people);
    }
  } finally {
    for (const { crowd, worker, stack } of sides) {
      await crowd.close();
      await worker.stop();
      await stack.stop();
    }
    await server.stop();
  }
  return judge(sides[0]!.took, sides[1]!.took, `with ${grouped(many)} identities over with ${grouped(few)}`);
}

async function side(postgresUrl: string, count: number): Promise<Side> {
  const stack = await startStack({
    parts: ['okta', 'box', 'gateway'],
    postgresUrl,
    env: { box: UNLIMITED.box, gateway: UNLIMITED.gateway },
  });
  const client = new pg.Client(stack.databaseUrl);
  await client.connect();
  try {
    await load(client, await tenantOf(stack.databaseUrl), count, 'done');
    const worker = await startDrainWorker(stack, TENANT, 'audited');
    // In a system that has run for long, the log of the existing people is sealed.
    await untilSealed(client);
    const { rows } = await client.query<{ id: string }>(
      'SELECT id FROM provisioning_request ORDER BY random() LIMIT $1',
      [POLLED],
    );
    const gateway = stack.urls.gateway.replace('localhost', '127.0.0.1');
    return {
      stack,
      worker,
      crowd: await Crowd.open(stack.databaseUrl, TENANT),
      polled: rows.map(({ id }) => `${gateway}/v1/provisioning-requests/${id}`),
      headers: { authorization: `Bearer ${await stack.okta.serviceToken('foyer.read')}` },
      took: { polls: [], intake: [], drained: [] },
    };
  } finally {
    await client.end();
  }
}

async function tenantOf(databaseUrl: string): Promise<string> {
  const database = openDatabase({ url: databaseUrl, poolSize: 2 });
  return openTenant(database, TENANT).finally(() => database.close());
}

async function measureOnce({ crowd, polled, headers, took }: Side, people: number): Promise<void> {
  took.polls.push(await rate(polled, headers, POLLS));
  took.intake.push(await crowd.admit(people));
  took.drained.push((await crowd.release()).rate);
}

/** The first round of each is the warm-up. */
function judge(few: Side['took'], many: Side['took'], sizesInWords: string): Figure[] {
  const of = (values: readonly number[]): number => median(values.slice(1));
  const cost = (what: string, fewCost: number, manyCost: number): Figure =>
    atMost(`cost of ${what} ${sizesInWords}`, manyCost / fewCost, 1.2, {
      fewMs: fewCost,
      manyMs: manyCost,
    });
  return [
    cost('a status poll', 1000 / of(few.polls), 1000 / of(many.polls)),
    cost('an intake', of(few.intake), of(many.intake)),
    cost('a converge', 1000 / of(few.drained), 1000 / of(many.drained)),
  ];
}

export const sizeMeasurement: Measurement = {
  name: 'size',
  about:
    'cost of a status poll, an intake and a converge with 1 000 000 identities over with 1 000: at most 1.2 each',
  measure: size,
};
