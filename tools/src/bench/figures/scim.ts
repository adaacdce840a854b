import { startPostgres } from '../../stack/postgres.ts';
import { atMost, grouped, type Figure, type Measurement, type Scale } from '../figure.ts';
import { median, rate } from '../measure.ts';
import { besideEmptyMeasurements } from './scim-beside-empty.ts';
import { group } from './scim-group.ts';
import { filled, startService, type Service } from './scim-service.ts';

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

export const scimMeasurements: readonly Measurement[] = [
  ...besideEmptyMeasurements,
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
