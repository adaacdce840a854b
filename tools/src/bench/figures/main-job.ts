import http from 'node:http';
import pg from 'pg';
import { z } from 'zod';
import { signIn } from '../../demonstration/browser.ts';
import { request } from '../../http.ts';
import { type Stack, startStack } from '../../stack/stack.ts';
import { SAMPLE_PASSWORD } from '../../stack/twins.ts';
import { emptyApp } from '../child.ts';
import { atLeast, atMost, type Figure, type Measurement } from '../figure.ts';
import { get, median, rate } from '../measure.ts';
import { UNLIMITED } from '../unlimited.ts';

interface Bench {
  readonly stack: Stack;
  readonly database: pg.Client;
  /** The address on which the empty app listens. */
  readonly empty: string;
}

async function newcomer({ stack }: Bench, n: number) {
  const login = `bench-${process.hrtime.bigint()}-${n}@example.com`;
  const person = await stack.okta.addPerson({
    login,
    email: login,
    name: `Bench Person ${n}`,
    status: 'ACTIVE',
    assigned: true,
  });
  return { id: person.id, credentials: { username: login, password: SAMPLE_PASSWORD } };
}

/** The callback's request within a sign-in. */
const callbackOf = (page: Awaited<ReturnType<typeof signIn>>) =>
  page.hops.find(({ url }) => new URL(url).pathname === '/authorization-code/callback')!;

/** Calls that create or change a Box user, and token calls, for a new person and for the same person again. */
async function boxCalls(bench: Bench): Promise<Figure[]> {
  const { stack } = bench;
  const person = await newcomer(bench, 0);
  const count = async () => {
    const calls = await stack.box.calls();
    return {
      users: calls.filter(({ path }) => path.startsWith('/2.0/users')).length,
      tokens: calls.filter(({ path }) => path === '/oauth2/token').length,
    };
  };
  await stack.box.clearCalls();
  await signIn(stack.urls.gateway, person.credentials);
  const first = await count();
  await stack.box.clearCalls();
  for (let n = 0; n < 5; n++) await signIn(stack.urls.gateway, person.credentials);
  const again = await count();
  return [
    atMost('Box user calls for a newcomer', first.users, 1, first),
    atMost('Box user calls for a returning person', again.users, 0, again),
    atMost('Box token calls of warm processes for five more sign-ins', again.tokens, 0, again),
  ];
}

/** From the callback's arrival to the stored mapping, compared with the one Box call of 100 ms that it takes. */
async function callbackToMapping(bench: Bench): Promise<Figure> {
  const { stack, database } = bench;
  await stack.box.settings({ latencyMs: 100 });
  const spent: number[] = [];
  const calls: number[] = [];
  for (let n = 0; n < 20; n++) {
    const person = await newcomer(bench, n);
    const page = await signIn(stack.urls.gateway, person.credentials);
    const { rows } = await database.query<{ mapped: Date; call_ms: number }>(
      `SELECT a.updated_at AS mapped, o.duration_ms AS call_ms
       FROM identity i JOIN box_account a ON a.identity_id = i.id
       JOIN api_call c ON c.identity_id = i.id AND c.operation = 'create_user'
       JOIN api_call_outcome o ON o.call_id = c.id WHERE i.subject = $1`,
      [person.id],
    );
    spent.push(rows[0]!.mapped.getTime() - callbackOf(page).startedAt);
    calls.push(rows[0]!.call_ms);
  }
  await stack.box.settings({ latencyMs: 0 });
  const [mapped, call] = [median(spent), median(calls)];
  return atMost('callback to mapping committed, over its one Box call', mapped / call, 1.5, { mapped, call });
}

/**
 * A returning person's callback without its waits for Okta, compared with an empty route that reads and writes one
 * session.
 */
async function returningCallback(bench: Bench): Promise<Figure> {
  const { stack, database, empty } = bench;
  const person = await newcomer(bench, 0);
  await signIn(stack.urls.gateway, person.credentials);
  const { headers } = await request(`${empty}/session`);
  const cookie = headers.getSetCookie()[0]!.split(';')[0]!;
  const own: number[] = [];
  const bare: number[] = [];
  for (let n = 0; n < 60; n++) {
    const page = await signIn(stack.urls.gateway, person.credentials);
    const { rows } = await database.query<{ waited: number }>(
      `SELECT coalesce(sum(o.duration_ms), 0)::float8 AS waited FROM api_call c JOIN api_call_outcome o ON o.call_id = c.id
       WHERE c.system = 'okta' AND c.direction = 'out' AND c.at >= $1`,
      [new Date(callbackOf(page).startedAt)],
    );
    own.push(callbackOf(page).ms - rows[0]!.waited);
    const began = performance.now();
    await request(`${empty}/session`, { headers: { cookie } });
    bare.push(performance.now() - began);
  }
  // The first rounds warm both up.
  const [callback, route] = [median(own.slice(10)), median(bare.slice(10))];
  return atMost('returning sign-in’s own time, over an empty route with one session', callback / route, 3, {
    callback,
    route,
  });
}

/**
 * Polls answered with 304, compared with an empty route that requires the same kind of token. They take turns; the
 * first three rounds warm both up.
 */
async function statusPoll(bench: Bench): Promise<Figure> {
  const { stack, empty, database } = bench;
  await signIn(stack.urls.gateway, (await newcomer(bench, 0)).credentials);
  const token = await stack.okta.serviceToken('foyer.read');
  const { rows } = await database.query<{ id: string }>(
    `SELECT id FROM provisioning_request WHERE status = 'succeeded' LIMIT 1`,
  );
  const url = `${stack.urls.gateway.replace('localhost', '127.0.0.1')}/v1/provisioning-requests/${rows[0]!.id}`;
  const headers: Record<string, string> = { authorization: `Bearer ${token}` };
  const agent = new http.Agent();
  const { etag } = (await get(url, headers, agent)).headers;
  headers['if-none-match'] = etag!;
  const polls: number[] = [];
  const bare: number[] = [];
  const load = { connections: 8, ms: 2_500, status: 304 };
  for (let n = 0; n < 6; n++) {
    polls.push(await rate(url, headers, load));
    bare.push(await rate(`${empty}/empty`, headers, load));
  }
  const [poll, route] = [median(polls.slice(3)), median(bare.slice(3))];
  return atLeast('status polls a second, over an empty route behind the same auth', poll / route, 0.5, {
    poll,
    route,
  });
}

const measurement = (
  name: string,
  about: string,
  figures: (bench: Bench) => Promise<Figure | Figure[]>,
): Measurement => ({
  name,
  about,
  async measure() {
    const stack = await startStack({ env: { gateway: UNLIMITED.gateway } });
    const database = new pg.Client(stack.databaseUrl);
    await database.connect();
    const issuer = `${stack.urls.okta}/oauth2/default`;
    const app = emptyApp({
      DATABASE_URL: stack.databaseUrl,
      JWKS_URL: `${issuer}/v1/keys`,
      ISSUER: issuer,
      AUDIENCE: 'api://foyer',
    });
    try {
      const { url } = z.object({ url: z.string() }).parse(JSON.parse(await app.start()));
      return [await figures({ stack, database, empty: url })].flat();
    } finally {
      await database.end();
      await app.stop();
      await stack.stop();
    }
  },
});

export const mainJobMeasurements: readonly Measurement[] = [
  measurement('box-calls', 'calls to Box for a newcomer (1) and for a returning person (0)', boxCalls),
  measurement(
    'callback',
    'callback to mapping committed, over its one Box call: at most 1.5',
    callbackToMapping,
  ),
  measurement(
    'returning',
    'a returning sign-in’s own time, over an empty route: at most 3',
    returningCallback,
  ),
  measurement(
    'poll',
    'status polls a second, over an empty route behind the same auth: at least 0.5',
    statusPoll,
  ),
];
