import http from 'node:http';
import pg from 'pg';
import { type Stack } from '../../stack/stack.ts';
import { atMost, grouped, type Figure, type Scale } from '../figure.ts';
import { median } from '../measure.ts';
import { fill, send, startService, type Service } from './scim-service.ts';

const AT_ONCE = 50;
const ALONE = 10;

/** A client that adds members to groups and removes them. */
class Pusher {
  readonly agent = new http.Agent({ keepAlive: true, maxSockets: AT_ONCE });

  constructor(private readonly service: Service) {}

  async create(displayName: string, members: readonly string[]): Promise<string> {
    const { base, headers } = this.service;
    const made = await send(this.agent, 'POST', `${base}/Groups`, headers, {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
      displayName,
      members: members.map((value) => ({ value })),
    });
    if (made.status !== 201) throw new Error(made.body.slice(0, 500));
    return (JSON.parse(made.body) as { id: string }).id;
  }

  /** Milliseconds until the response. */
  async patch(op: 'add' | 'remove', groupId: string, value: string): Promise<number> {
    const { base, headers } = this.service;
    const operation =
      op === 'add'
        ? { op, path: 'members', value: [{ value }] }
        : { op, path: `members[value eq "${value}"]` };
    const answer = await send(this.agent, 'PATCH', `${base}/Groups/${groupId}`, headers, {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
      Operations: [operation],
    });
    if (answer.status !== 204) throw new Error(answer.body.slice(0, 500));
    return answer.ms;
  }
}

/**
 * PATCHes that each add or remove a member of one large group: one at a time, fifty at once, and fifty at once on a
 * group each.
 */
export async function group(scale: Scale, say: (line: string) => void): Promise<Figure[]> {
  const size = scale === 'full' ? 10_000 : 1_000;
  const service = await startService();
  const pusher = new Pusher(service);
  try {
    say(`a group of ${grouped(size)}`);
    const people = await fill<{ id: string }>(service, size + AT_ONCE, 'known', 'SELECT id FROM identity');
    const ids = people.map(({ id }) => id);
    const [members, more] = [ids.slice(0, size), ids.slice(size)];
    const large = await pusher.create('Bench', members);
    const own: string[] = [];
    for (let n = 0; n < AT_ONCE; n++) own.push(await pusher.create(`Bench ${n}`, []));
    const took = await measure(scale, { pusher, large, own, more, stack: service.stack });
    return judge(took, `${AT_ONCE} PATCHes at once on a group of ${grouped(size)}`);
  } finally {
    pusher.agent.destroy();
    await service.stack.stop();
  }
}

interface Subject {
  readonly pusher: Pusher;
  readonly large: string;
  /** A group for each concurrent client. */
  readonly own: readonly string[];
  readonly more: readonly string[];
  readonly stack: Stack;
}

/** Milliseconds of one PATCH, round by round, and the number of lost updates. */
interface Took {
  readonly alone: number[];
  readonly together: number[];
  readonly apart: number[];
  lost: number;
}

async function measure(scale: Scale, { pusher, large, own, more, stack }: Subject): Promise<Took> {
  const rounds = scale === 'full' ? 9 : 3;
  const took: Took = { alone: [], together: [], apart: [], lost: 0 };
  for (let round = 0; round <= rounds; round++) {
    const singles: number[] = [];
    for (const op of ['add', 'remove'] as const)
      for (const value of more.slice(0, ALONE)) singles.push(await pusher.patch(op, large, value));
    took.alone.push(median(singles));
    took.together.push(median(await Promise.all(more.map((value) => pusher.patch('add', large, value)))));
    took.lost += more.length - (await membersAmong(stack, large, more));
    await Promise.all(more.map((value) => pusher.patch('remove', large, value)));
    took.lost += await membersAmong(stack, large, more);
    const apart = own.map((groupId, n) => pusher.patch('add', groupId, more[n]!));
    took.apart.push(median(await Promise.all(apart)));
    await Promise.all(own.map((groupId, n) => pusher.patch('remove', groupId, more[n]!)));
  }
  return took;
}

/** The first round of each is the warm-up. */
function judge({ alone, together, apart, lost }: Took, what: string): Figure[] {
  const [one, fifty, each] = [alone, together, apart].map((all) => median(all.slice(1))) as [
    number,
    number,
    number,
  ];
  const detail = { aloneMs: one, ofFiftyMs: fifty, ofFiftyOnGroupsOfTheirOwnMs: each };
  return [
    atMost(`lost updates of ${what}`, lost, 0, {}),
    atMost(`${what}: one of them over one alone`, fifty / one, 3, detail),
    atMost(`${what}: one of them over the same with a group each`, fifty / each, 3, detail),
  ];
}

/** How many of these the group has. */
async function membersAmong(
  { databaseUrl }: Stack,
  groupId: string,
  ids: readonly string[],
): Promise<number> {
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
