import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { signIn } from '../../demonstration/browser.ts';
import { type Stack, startStack } from '../../stack/stack.ts';
import { SAMPLE_PASSWORD } from '../../stack/twins.ts';
import { atMost, type Figure, grouped, type Measurement, type Scale } from '../figure.ts';
import { load } from '../load.ts';
import { median } from '../measure.ts';

const sizes: Record<Scale, { waiting: number; blocks: number; signIns: number }> = {
  full: { waiting: 20_000, blocks: 5, signIns: 25 },
  small: { waiting: 2_000, blocks: 1, signIns: 5 },
};
/**
 * Some of the known people are provisioned between two blocks, and as many must wait in the last block as in the first.
 */
const SPARE = 1.5;
const LOOK_EVERY_MS = 100;
const LOOK_LIMIT_MS = 120_000;
const LEAST_QUEUED = 200;

interface Bench {
  readonly stack: Stack;
  readonly database: pg.Client;
  readonly waiting: number;
}

/**
 * New people's sign-ins, from callback to final page, while bulk work waits and runs at Box's limit, compared with
 * none. They take turns of a block each, on one stack: bulk work is inserted before its block, and the rest of it is
 * deleted afterwards.
 */
async function signInUnderBulk(scale: Scale): Promise<Figure[]> {
  const { waiting, blocks, signIns } = sizes[scale];
  const stack = await startStack({ env: { gateway: { SIGN_IN_LIMIT_PER_MINUTE: '100000' } } });
  const database = new pg.Client(stack.databaseUrl);
  const bench = { stack, database, waiting };
  const [quiet, busy]: [number[], number[]] = [[], []];
  try {
    await database.connect();
    const { rows } = await database.query<{ id: string }>(`SELECT id FROM tenant WHERE slug = 'default'`);
    await load(database, rows[0]!.id, waiting * SPARE, 'known');
    await callbacks(bench, signIns);
    for (let block = 0; block < blocks; block++) {
      quiet.push(...(await callbacks(bench, signIns)));
      await bringBulk(bench);
      busy.push(...(await callbacks(bench, signIns)));
      await takeBulkOut(bench);
    }
  } finally {
    await database.end();
    await stack.stop();
  }
  return [
    atMost(
      `callback to final page of a newcomer with ${grouped(waiting)} waiting in bulk, over with none (${busy.length} sign-ins each)`,
      median(busy) / median(quiet),
      1.3,
      {
        busy: median(busy),
        quiet: median(quiet),
        slowestBusy: Math.max(...busy),
        slowestQuiet: Math.max(...quiet),
      },
    ),
  ];
}

/** Signs in this many new people, one after the other. Returns the milliseconds from callback to final page of each. */
async function callbacks({ stack }: Bench, count: number): Promise<number[]> {
  const logins = Array.from({ length: count }, (_, n) => `bench-${process.hrtime.bigint()}-${n}@example.com`);
  await stack.okta.seed({
    people: logins.map((login) => ({
      login,
      email: login,
      name: 'Bench Person',
      status: 'ACTIVE',
      assigned: true,
    })),
  });
  const spent: number[] = [];
  for (const username of logins) {
    const { hops, message } = await signIn(stack.urls.gateway, { username, password: SAMPLE_PASSWORD });
    if (!message.startsWith('New user created')) throw new Error(`A newcomer was told: ${message}`);
    const callback = hops.find(({ url }) => new URL(url).pathname === '/authorization-code/callback')!;
    const final = hops.at(-1)!;
    spent.push(final.startedAt + final.ms - callback.startedAt);
  }
  return spent;
}

/** The expected number waits in the table, and the queue works on it. */
async function bringBulk(bench: Bench): Promise<void> {
  await bench.database.query(
    `WITH made AS (
       INSERT INTO provisioning_request (tenant_id, identity_id, generation, cause, priority, due_at)
       SELECT i.tenant_id, i.id, i.generation, 'batch', 20, clock_timestamp()
       FROM identity i LEFT JOIN box_account a ON a.identity_id = i.id WHERE a.identity_id IS NULL LIMIT $1
       RETURNING id)
     INSERT INTO request_event (request_id, event) SELECT id, 'queued' FROM made`,
    [bench.waiting],
  );
  await bench.database.query('ANALYZE provisioning_request, request_event');
  await until('bulk is in the queue', async () => (await queued(bench.stack)) >= LEAST_QUEUED);
}

/** Requests that were not started are deleted, and the queue has noticed. */
async function takeBulkOut({ stack, database }: Bench): Promise<void> {
  await database.query(
    `WITH gone AS (
       SELECT id FROM provisioning_request WHERE cause = 'batch' AND status = 'queued' FOR UPDATE SKIP LOCKED
     ), told AS (DELETE FROM request_event e USING gone WHERE e.request_id = gone.id)
     DELETE FROM provisioning_request r USING gone WHERE r.id = gone.id`,
  );
  await until('bulk is over', async () => {
    const { rows } = await database.query<{ open: boolean }>(
      'SELECT EXISTS (SELECT FROM provisioning_request WHERE due_at IS NOT NULL) AS open',
    );
    return !rows[0]!.open && (await queued(stack)) === 0;
  });
}

/** Jobs in the queue, from the provisioner's metrics. */
async function queued({ urls }: Stack): Promise<number> {
  const page = await (await fetch(`${urls.provisioners[0]}/metrics`)).text();
  return [...page.matchAll(/^foyer_queue_jobs\{.*\} (\d+)$/gm)].reduce(
    (sum, [, jobs]) => sum + Number(jobs),
    0,
  );
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + LOOK_LIMIT_MS;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`Waited ${LOOK_LIMIT_MS / 1000} s in vain until ${what}.`);
    await pause(LOOK_EVERY_MS);
  }
}

export const signInUnderBulkMeasurement: Measurement = {
  name: 'sign-in-under-bulk',
  about: 'callback to final page of a newcomer with 20 000 waiting in bulk, over with none: at most 1.3',
  measure: signInUnderBulk,
};
