import http from 'node:http';
import { openDatabase, openTenant, ScimTokens } from '@foyer/persistence';
import pg from 'pg';
import { z } from 'zod';
import { startPostgres } from '../postgres.ts';
import { startStack, type Stack } from '../stack.ts';
import { emptyApp } from './child.ts';
import { atLeast, atMost, grouped, type Figure, type Measurement, type Scale } from './figure.ts';
import { load } from './load.ts';
import { median, rate } from './measure.ts';

const TENANT = 'default';

/** A gateway as an Okta org speaks to it: over kept connections, with a token of its own. */
interface Service {
  readonly stack: Stack;
  readonly base: string;
  readonly headers: Record<string, string>;
}

async function startService({
  postgresUrl,
  redis = false,
}: { postgresUrl?: string; redis?: boolean } = {}): Promise<Service> {
  const stack = await startStack({
    parts: ['okta', 'box', 'gateway'],
    redis,
    ...(postgresUrl !== undefined && { postgresUrl }),
  });
  const database = openDatabase({ url: stack.databaseUrl, poolSize: 2 });
  try {
    const tokens = new ScimTokens(database, await openTenant(database, TENANT));
    const made = await tokens.create({ name: 'bench', days: 1 }, 'bench');
    if (made === null) throw new Error('There is a token of this name already.');
    const base = `${stack.urls.gateway.replace('localhost', '127.0.0.1')}/scim/v2`;
    return { stack, base, headers: { authorization: `Bearer ${made.token}` } };
  } finally {
    await database.close();
  }
}

interface Sent {
  readonly status: number;
  readonly body: string;
  readonly ms: number;
}

/** One request with a JSON body, its answer read to the end. */
function send(
  agent: http.Agent,
  method: string,
  url: string,
  headers: Record<string, string>,
  body: unknown,
): Promise<Sent> {
  const began = performance.now();
  const text = JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const request = http.request(
      url,
      {
        method,
        agent,
        headers: {
          ...headers,
          'content-type': 'application/scim+json; charset=utf-8',
          'content-length': Buffer.byteLength(text),
        },
      },
      (response) => {
        let answer = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (answer += chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: answer, ms: performance.now() - began }),
        );
      },
    );
    request.on('error', reject);
    request.end(text);
  });
}

let made = 0;
const somebody = () => {
  const name = `bench-${process.pid}-${made++}`;
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
    userName: `${name}@example.com`,
    name: { givenName: 'Bench', familyName: name },
    emails: [{ primary: true, value: `${name}@example.com`, type: 'work' }],
    displayName: `Bench ${name}`,
    locale: 'en-US',
    externalId: `00u${name}`,
    groups: [],
    password: 'never kept',
    active: true,
  };
};

/** Requests a second that `connections` clients get answered with 201. */
async function postRate(url: string, headers: Record<string, string>, connections: number, ms: number) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections });
  const began = performance.now();
  const client = async (): Promise<number> => {
    let answered = 0;
    for (; performance.now() - began < ms; answered++) {
      const { status, body } = await send(agent, 'POST', url, headers, somebody());
      if (status !== 201) throw new Error(`${url} answered ${status}: ${body}`);
    }
    return answered;
  };
  const counts = await Promise.all(Array.from({ length: connections }, client));
  agent.destroy();
  return counts.reduce((sum, count) => sum + count, 0) / ((performance.now() - began) / 1000);
}

/** POST /Users to 201, over an empty route of the same framework that inserts one row; with each of the two queues. */
async function create(scale: Scale): Promise<Figure[]> {
  return [...(await createWith(scale, true)), ...(await createWith(scale, false))];
}

async function createWith(scale: Scale, redis: boolean): Promise<Figure[]> {
  const rounds = scale === 'full' ? 5 : 2;
  const service = await startService({ redis });
  // As in a system that has run for a while: how PostgreSQL looks into an empty table says nothing.
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
    for (let round = 0; round <= rounds; round++) {
      own.push(await postRate(`${service.base}/Users`, service.headers, 8, 2_000));
      bare.push(await postRate(`${url}/insert`, {}, 8, 2_000));
    }
  } finally {
    await empty.stop();
    await service.stack.stop();
  }
  // The first round of each warmed up.
  const [foyer, nothing] = [median(own.slice(1)), median(bare.slice(1))];
  return [
    atLeast(
      `POST /scim/v2/Users to 201, over an empty route that inserts one row, the queue on ${redis ? 'Redis' : 'PostgreSQL'}`,
      foyer / nothing,
      0.5,
      {
        perSecond: foyer,
        emptyPerSecond: nothing,
      },
    ),
  ];
}

const FINDS = { connections: 4, ms: 1_500, status: 200 };

/** GET /Users?filter=… eq with many identities in the table over with few, in turns, on one server. */
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

async function filled({ stack, base }: Service, count: number) {
  const client = new pg.Client(stack.databaseUrl);
  await client.connect();
  try {
    const { rows: tenants } = await client.query<{ id: string }>('SELECT id FROM tenant WHERE slug = $1', [
      TENANT,
    ]);
    await load(client, tenants[0]!.id, count, 'done');
    const { rows } = await client.query<{ username: string; subject: string }>(
      'SELECT username, subject FROM identity ORDER BY random() LIMIT 1000',
    );
    const url = (attribute: string, value: string) =>
      `${base}/Users?filter=${encodeURIComponent(`${attribute} eq "${value}"`)}&startIndex=1&count=100`;
    return {
      userName: rows.map(({ username }) => url('userName', username)),
      externalId: rows.map(({ subject }) => url('externalId', subject)),
    };
  } finally {
    await client.end();
  }
}

const AT_ONCE = 50;

/** PATCHes that each add a member to one large group, alone and fifty at once. */
async function group(scale: Scale, say: (line: string) => void): Promise<Figure[]> {
  const members = scale === 'full' ? 10_000 : 1_000;
  const rounds = scale === 'full' ? 9 : 3;
  const service = await startService();
  const { stack, base, headers } = service;
  const agent = new http.Agent({ keepAlive: true, maxSockets: AT_ONCE });
  try {
    say(`a group of ${grouped(members)}`);
    const ids = await peopleOf(service, members + AT_ONCE + 1);
    const groupOf = async (name: string): Promise<string> => {
      const made = await send(agent, 'POST', `${base}/Groups`, headers, {
        schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
        displayName: name,
        members: ids.slice(0, members).map((value) => ({ value })),
      });
      if (made.status !== 201) throw new Error(made.body.slice(0, 500));
      return (JSON.parse(made.body) as { id: string }).id;
    };
    const id = await groupOf('Bench');
    const others: string[] = [];
    for (let n = 0; n < AT_ONCE; n++) others.push(await smallGroup(service, agent, n));
    const patch = (op: 'add' | 'remove', value: string, of = id) =>
      send(agent, 'PATCH', `${base}/Groups/${of}`, headers, {
        schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
        Operations: [
          op === 'add'
            ? { op, path: 'members', value: [{ value }] }
            : { op, path: `members[value eq "${value}"]` },
        ],
      });
    const more = ids.slice(members);
    const [alone, together, apart]: [number[], number[], number[]] = [[], [], []];
    let lost = 0;
    for (let round = 0; round <= rounds; round++) {
      const singles: number[] = [];
      for (const op of ['add', 'remove'] as const)
        for (let n = 0; n < 5; n++) singles.push((await patch(op, more[n]!)).ms);
      alone.push(median(singles));
      together.push(
        median(
          (await Promise.all(more.slice(0, AT_ONCE).map((value) => patch('add', value)))).map(({ ms }) => ms),
        ),
      );
      lost += AT_ONCE - (await wanted(stack, id, more.slice(0, AT_ONCE)));
      await Promise.all(more.slice(0, AT_ONCE).map((value) => patch('remove', value)));
      lost += await wanted(stack, id, more.slice(0, AT_ONCE));
      apart.push(
        median(
          (await Promise.all(others.map((other, n) => patch('add', more[n]!, other)))).map(({ ms }) => ms),
        ),
      );
      await Promise.all(others.map((other, n) => patch('remove', more[n]!, other)));
    }
    const [one, fifty, fiftyApart] = [alone, together, apart].map((all) => median(all.slice(1))) as [
      number,
      number,
      number,
    ];
    const detail = { aloneMs: one, ofFiftyMs: fifty, ofFiftyOnGroupsOfTheirOwnMs: fiftyApart };
    const what = `${AT_ONCE} PATCHes at once on a group of ${grouped(members)}`;
    return [
      atMost(`lost updates of ${what}`, lost, 0, {}),
      atMost(`${what}: one of them over one alone`, fifty / one, 3, detail),
      atMost(`${what}: one of them over the same on ${AT_ONCE} groups`, fifty / fiftyApart, 3, detail),
    ];
  } finally {
    agent.destroy();
    await stack.stop();
  }
}

async function smallGroup({ base, headers }: Service, agent: http.Agent, n: number): Promise<string> {
  const made = await send(agent, 'POST', `${base}/Groups`, headers, {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
    displayName: `Bench ${n}`,
  });
  return (JSON.parse(made.body) as { id: string }).id;
}

async function peopleOf({ stack }: Service, count: number): Promise<string[]> {
  const client = new pg.Client(stack.databaseUrl);
  await client.connect();
  try {
    const { rows: tenants } = await client.query<{ id: string }>('SELECT id FROM tenant WHERE slug = $1', [
      TENANT,
    ]);
    await load(client, tenants[0]!.id, count, 'known');
    const { rows } = await client.query<{ id: string }>('SELECT id FROM identity');
    return rows.map(({ id }) => id);
  } finally {
    await client.end();
  }
}

/** How many of these the group has. */
async function wanted({ databaseUrl }: Stack, groupId: string, ids: readonly string[]): Promise<number> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  try {
    const { rows } = await client.query<{ n: number }>(
      'SELECT count(*)::int AS n FROM scim_group_member WHERE group_id = $1 AND is_wanted AND value = ANY($2)',
      [groupId, ids],
    );
    return rows[0]!.n;
  } finally {
    await client.end();
  }
}

export const scimMeasurements: readonly Measurement[] = [
  {
    name: 'scim-create',
    about: 'POST /Users to 201, over an empty NestJS route that inserts one row: at least 0.5',
    measure: create,
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
