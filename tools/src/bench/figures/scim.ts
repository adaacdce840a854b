import http from 'node:http';
import { z } from 'zod';
import { startPostgres } from '../../stack/postgres.ts';
import { emptyApp } from '../child.ts';
import { atLeast, atMost, grouped, type Figure, type Measurement, type Scale } from '../figure.ts';
import { median, rate } from '../measure.ts';
import { group } from './scim-group.ts';
import { fill, pushed, samplePerson, send, startService, switching, type Service } from './scim-service.ts';

interface Sending {
  readonly method: 'POST' | 'PATCH';
  readonly status: number;
  /** The address and the body of the next request. */
  readonly next: () => { readonly url: string; readonly body: unknown };
}

/** The requests a second that `connections` clients get answered with `status`. */
async function sendRate(
  { method, status: expected, next }: Sending,
  headers: Record<string, string>,
  connections: number,
  ms: number,
) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections });
  const began = performance.now();
  const client = async (): Promise<number> => {
    let answered = 0;
    for (; performance.now() - began < ms; answered++) {
      const { url, body: sent } = next();
      const { status, body } = await send(agent, method, url, headers, sent);
      if (status !== expected) throw new Error(`${url} answered ${status}: ${body}`);
    }
    return answered;
  };
  const counts = await Promise.all(Array.from({ length: connections }, client));
  agent.destroy();
  return counts.reduce((sum, count) => sum + count, 0) / ((performance.now() - began) / 1000);
}

const posts = (url: string): Sending => ({
  ...{ method: 'POST', status: 201 },
  next: () => ({ url, body: samplePerson() }),
});

/** Switches people off and on, each in turn, as a directory does. */
const patches = (base: string, ids: readonly string[]): Sending => ({
  ...{ method: 'PATCH', status: 200 },
  next: switching(base, ids),
});

/**
 * POST /Users to 201, compared with an empty route of the same framework that inserts one row; with each of the two
 * queues.
 */
async function create(scale: Scale): Promise<Figure[]> {
  return [...(await createWith(scale, true)), ...(await createWith(scale, false))];
}

async function createWith(scale: Scale, redis: boolean): Promise<Figure[]> {
  const { foyer, nothing } = await besideEmpty(scale, redis, ({ base }) =>
    Promise.resolve(posts(`${base}/Users`)),
  );
  const name = `POST /scim/v2/Users to 201, over an empty route that inserts one row, the queue on ${redis ? 'Redis' : 'PostgreSQL'}`;
  return [atLeast(name, foyer / nothing, 0.5, { perSecond: foyer, emptyPerSecond: nothing })];
}

/** PATCH of `active` to 200, compared with the same empty route. */
async function patch(scale: Scale): Promise<Figure[]> {
  const { foyer, nothing } = await besideEmpty(scale, true, async (service) =>
    patches(service.base, await pushed(service, 500)),
  );
  const name = 'PATCH of active to 200, over an empty route that inserts one row';
  return [atLeast(name, foyer / nothing, 0.3, { perSecond: foyer, emptyPerSecond: nothing })];
}

/** Requests a second to a gateway, and to an empty route that inserts one row, in turns. */
async function besideEmpty(
  scale: Scale,
  redis: boolean,
  prepare: (service: Service) => Promise<Sending>,
): Promise<{ readonly foyer: number; readonly nothing: number }> {
  const rounds = scale === 'full' ? 5 : 2;
  const service = await startService({ redis });
  // Fills the tables as in a system that has run for a while: query plans for an empty table prove nothing.
  await filled(service, 10_000);
  const issuer = `${service.stack.urls.okta}/oauth2/default`;
  const empty = emptyApp({
    DATABASE_URL: service.stack.databaseUrl,
    JWKS_URL: `${issuer}/v1/keys`,
    ISSUER: issuer,
    AUDIENCE: 'api://foyer',
  });
  const own: number[] = [];
  const bare: number[] = [];
  try {
    const { url } = z.object({ url: z.string() }).parse(JSON.parse(await empty.start()));
    const sending = await prepare(service);
    for (let round = 0; round <= rounds; round++) {
      own.push(await sendRate(sending, service.headers, 8, 2_000));
      bare.push(await sendRate(posts(`${url}/insert`), {}, 8, 2_000));
    }
  } finally {
    await empty.stop();
    await service.stack.stop();
  }
  // The first round of each is the warm-up.
  return { foyer: median(own.slice(1)), nothing: median(bare.slice(1)) };
}

const FINDS = { connections: 4, ms: 1_500, status: 200 };

/** GET /Users?filter=… eq with many identities in the table, compared with few, in turns, on one server. */
async function find(scale: Scale, say: (line: string) => void): Promise<Figure[]> {
  const sizes = scale === 'full' ? [1_000, 1_000_000] : [1_000, 20_000];
  const rounds = scale === 'full' ? 5 : 2;
  const server = await startPostgres();
  const sides: {
    service: Service;
    urls: Record<'userName' | 'externalId', string[]>;
    ms: Record<string, number[]>;
  }[] = [];
  try {
    for (const count of sizes) {
      say(`filling the tables with ${grouped(count)} people`);
      const service = await startService({ postgresUrl: server.url });
      sides.push({ service, urls: await filled(service, count), ms: { userName: [], externalId: [] } });
    }
    for (let round = 0; round <= rounds; round++)
      for (const { service, urls, ms } of round % 2 === 0 ? sides : [...sides].reverse())
        for (const by of ['userName', 'externalId'] as const)
          ms[by]!.push(1000 / (await rate(urls[by], service.headers, FINDS)));
  } finally {
    for (const { service } of sides) await service.stack.stop();
    await server.stop();
  }
  return (['userName', 'externalId'] as const).map((by) => {
    const [few, many] = sides.map(({ ms }) => median(ms[by]!.slice(1))) as [number, number];
    const name = `GET /scim/v2/Users?filter=${by} eq with ${grouped(sizes[1]!)} identities over with ${grouped(sizes[0]!)}`;
    return atMost(name, many / few, 1.2, { fewMs: few, manyMs: many });
  });
}

async function filled(service: Service, count: number) {
  const rows = await fill<{ username: string; subject: string }>(
    service,
    count,
    'done',
    'SELECT username, subject FROM identity ORDER BY random() LIMIT 1000',
  );
  const url = (attribute: string, value: string) =>
    `${service.base}/Users?filter=${encodeURIComponent(`${attribute} eq "${value}"`)}&startIndex=1&count=100`;
  return {
    userName: rows.map(({ username }) => url('userName', username)),
    externalId: rows.map(({ subject }) => url('externalId', subject)),
  };
}

export const scimMeasurements: readonly Measurement[] = [
  {
    name: 'scim-create',
    about: 'POST /Users to 201, over an empty NestJS route that inserts one row: at least 0.5',
    measure: create,
  },
  {
    name: 'scim-patch',
    about: 'PATCH of active to 200, over an empty NestJS route that inserts one row: at least 0.3',
    measure: patch,
  },
  {
    name: 'scim-find',
    about: 'a look-up by userName and by externalId with 1 000 000 identities over with 1 000: at most 1.2',
    measure: find,
  },
  {
    name: 'scim-group',
    about: '50 PATCHes at once on a group of 10 000: none lost, each within 3 times one alone',
    measure: group,
  },
];
