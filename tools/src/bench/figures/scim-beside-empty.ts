import http from 'node:http';
import { z } from 'zod';
import { emptyApp } from '../child.ts';
import { cpuMs } from '../cpu.ts';
import { atLeast, type Figure, type Measurement, type Scale } from '../figure.ts';
import { get, median } from '../measure.ts';
import { filled, pushed, samplePerson, send, startService, switching, type Service } from './scim-service.ts';

const CONNECTIONS = 8;
const ROUND_MS = 2_000;

/** Makes one request, and throws when it is not answered as expected. */
type Sending = (agent: http.Agent) => Promise<void>;

const expected = (
  status: number,
  url: string,
  answer: { readonly status: number; readonly body: string },
) => {
  if (answer.status !== status) throw new Error(`${url} answered ${answer.status}: ${answer.body}`);
  return answer.body;
};

const posting =
  (url: string, headers: Record<string, string>): Sending =>
  async (agent) =>
    void expected(201, url, await send(agent, 'POST', url, headers, samplePerson()));

/** Switches people off and on, each in turn, as a directory does. */
function patching({ base, headers }: Service, ids: readonly string[]): Sending {
  const next = switching(base, ids);
  return async (agent) => {
    const { url, body } = next();
    expected(200, url, await send(agent, 'PATCH', url, headers, body));
  };
}

function getting(urls: readonly string[], headers: Record<string, string>): Sending {
  let sent = 0;
  return async (agent) => {
    const url = urls[sent++ % urls.length]!;
    expected(200, url, await get(url, headers, agent));
  };
}

/** The rate of a round, and the processor time of one request in the answering process. */
interface Round {
  readonly perSecond: number;
  readonly cpuMs: number | null;
}

async function runRound(sending: Sending, cpu: () => Promise<number | null>): Promise<Round> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const [began, before] = [performance.now(), await cpu()];
  let answered = 0;
  const client = async () => {
    for (; performance.now() - began < ROUND_MS; answered++) await sending(agent);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, client));
  const perSecond = answered / ((performance.now() - began) / 1000);
  const after = await cpu();
  agent.destroy();
  return { perSecond, cpuMs: before === null || after === null ? null : (after - before) / answered };
}

type EmptyRoute = 'inserts' | 'selects';

interface Compared {
  readonly name: string;
  readonly bar: number;
  readonly route: EmptyRoute;
  readonly sending: Sending;
}

/**
 * Each request to a gateway, without a provisioner, compared with an empty route that inserts or selects one row, in
 * turns.
 */
async function besideEmpty(
  scale: Scale,
  redis: boolean,
  prepare: (service: Service, lookUps: Awaited<ReturnType<typeof filled>>) => Promise<readonly Compared[]>,
): Promise<Figure[]> {
  const rounds = scale === 'full' ? 5 : 2;
  const service = await startService({ redis });
  const issuer = `${service.stack.urls.okta}/oauth2/default`;
  const empty = emptyApp({
    DATABASE_URL: service.stack.databaseUrl,
    JWKS_URL: `${issuer}/v1/keys`,
    ISSUER: issuer,
    AUDIENCE: 'api://foyer',
  });
  try {
    // Fills the tables as in a system that has run for a while: query plans for an empty table prove nothing.
    const lookUps = await filled(service, 10_000);
    const { url } = z.object({ url: z.string() }).parse(JSON.parse(await empty.start()));
    const routes = { inserts: posting(`${url}/insert`, {}), selects: getting(await rowsOf(url), {}) };
    const figures: Figure[] = [];
    for (const { name, bar, route, sending } of await prepare(service, lookUps)) {
      const pairs: { readonly own: Round; readonly bare: Round }[] = [];
      for (let round = 0; round <= rounds; round++) {
        const own = await runRound(sending, () => cpuMs([service.stack.parts.gateway]));
        pairs.push({ own, bare: await runRound(routes[route], () => cpuMs([empty])) });
      }
      // The first round of each warms up.
      figures.push(judge(`${name}, over an empty route that ${route} one row`, bar, pairs.slice(1)));
    }
    return figures;
  } finally {
    await empty.stop();
    await service.stack.stop();
  }
}

/** The addresses of rows that the empty app has inserted. */
async function rowsOf(url: string): Promise<string[]> {
  const agent = new http.Agent({ keepAlive: true });
  const urls: string[] = [];
  for (let n = 0; n < 500; n++) {
    const body = expected(201, url, await send(agent, 'POST', `${url}/insert`, {}, samplePerson()));
    urls.push(`${url}/select/${z.object({ id: z.string() }).parse(JSON.parse(body)).id}`);
  }
  agent.destroy();
  return urls;
}

function judge(
  name: string,
  bar: number,
  pairs: readonly { readonly own: Round; readonly bare: Round }[],
): Figure {
  const ratios = pairs.map(({ own, bare }) => own.perSecond / bare.perSecond);
  const [gatewayCpuMs, emptyCpuMs] = (['own', 'bare'] as const).map((side) =>
    median(pairs.flatMap((pair) => pair[side].cpuMs ?? [])),
  ) as [number, number];
  return atLeast(name, median(ratios), bar, {
    perSecond: median(pairs.map(({ own }) => own.perSecond)),
    emptyPerSecond: median(pairs.map(({ bare }) => bare.perSecond)),
    lowestRatio: Math.min(...ratios),
    highestRatio: Math.max(...ratios),
    ...(Number.isFinite(gatewayCpuMs) && { gatewayCpuMs, emptyCpuMs, cpuRatio: emptyCpuMs / gatewayCpuMs }),
  });
}

/** POST with each of the two queues. */
async function create(scale: Scale): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const queue of ['Redis', 'PostgreSQL'] as const) {
    const name = `POST /scim/v2/Users to 201, the queue on ${queue}`;
    figures.push(
      ...(await besideEmpty(scale, queue === 'Redis', async ({ base, headers }) => [
        { name, bar: 0.35, route: 'inserts', sending: posting(`${base}/Users`, headers) },
      ])),
    );
  }
  return figures;
}

const patch = (scale: Scale): Promise<Figure[]> =>
  besideEmpty(scale, true, async (service) => {
    const sending = patching(service, await pushed(service, 500));
    return [{ name: 'PATCH of active to 200', bar: 0.3, route: 'inserts', sending }];
  });

const read = (scale: Scale): Promise<Figure[]> =>
  besideEmpty(scale, true, async (service, { userName }) => {
    const { base, headers } = service;
    const urls = (await pushed(service, 500)).map((id) => `${base}/Users/${id}`);
    const compared = { bar: 0.4, route: 'selects' } as const;
    return [
      { name: 'GET /scim/v2/Users/ID to 200', ...compared, sending: getting(urls, headers) },
      {
        name: 'GET /scim/v2/Users?filter=userName eq to 200',
        ...compared,
        sending: getting(userName, headers),
      },
    ];
  });

export const besideEmptyMeasurements: readonly Measurement[] = [
  {
    name: 'scim-create',
    about: 'POST /Users to 201, over an empty NestJS route that inserts one row: at least 0.35',
    measure: create,
  },
  {
    name: 'scim-patch',
    about: 'PATCH of active to 200, over an empty NestJS route that inserts one row: at least 0.3',
    measure: patch,
  },
  {
    name: 'scim-read',
    about: 'GET by id and by userName, over an empty NestJS route that selects one row: at least 0.4',
    measure: read,
  },
];
