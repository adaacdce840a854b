import { randomUUID } from 'node:crypto';
import { Dice } from '../dice.ts';
import { startStack, type Stack } from '../stack/stack.ts';
import type { BoxFault } from '../stack/twins.ts';
import { ScimLoop } from './scim.harness.ts';
import { seedOf } from './seed.harness.ts';
import { until } from '@foyer/testing';
import { volume } from './volume.harness.ts';

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const PROVISIONING = 'urn:foyer:params:scim:schemas:extension:provisioning:2.0:Resource';

let stack: Stack;
let loop: ScimLoop;

beforeAll(async () => {
  stack = await startStack({
    postgresUrl: process.env.FOYER_TEST_POSTGRES_URL,
    template: 'foyer_template',
    provisioners: 3,
    env: {
      box: { BOX_TWIN_RATE_LIMIT: '0' },
      gateway: { BOX_CALLS_PER_MINUTE: '0' },
      provisioner: {
        BOX_CALLS_PER_MINUTE: '0',
        BOX_TIMEOUT_MS: '1000',
        LEASE_SECONDS: '2',
        STALLED_INTERVAL_MS: '1000',
        RELAY_INTERVAL_MS: '200',
        RELAY_GRACE_MS: '1000',
        RETRY_BASE_MS: '100',
        RETRY_MAX_MS: '1000',
        RETRY_ATTEMPTS: '30',
      },
    },
  });
  loop = await ScimLoop.start(stack);
});
afterAll(() => stack?.stop());
afterEach(async () => {
  await stack.box.clearFaults();
  await stack.box.settings({ latencyMs: 0, lookupLagMs: 0 });
});

interface Person {
  readonly id: string;
  readonly externalId: string;
}

const mark = () => randomUUID().slice(0, 8);

async function hire(): Promise<Person> {
  const externalId = `00u${mark()}${mark()}`;
  const answer = await loop.send('POST', '/Users', {
    ...{
      schemas: [USER],
      userName: `${externalId}@example.com`,
      externalId,
      active: true,
      displayName: 'Iris',
    },
  });
  expect(answer.status).toBe(201);
  return { id: ((await answer.json()) as Person).id, externalId };
}

/** Creates this many people, a few at a time. */
async function crowd(size: number): Promise<Person[]> {
  const people: Person[] = [];
  while (people.length < size)
    people.push(...(await Promise.all(Array.from({ length: Math.min(20, size - people.length) }, hire))));
  return people;
}

const values = (people: readonly Person[]) => people.map(({ id }) => ({ value: id }));

async function makeGroup(name: string, members: readonly Person[]): Promise<string> {
  const answer = await loop.send('POST', '/Groups?excludedAttributes=members', {
    ...{ schemas: [GROUP], displayName: name, members: values(members) },
  });
  expect(answer.status).toBe(201);
  return ((await answer.json()) as { id: string }).id;
}

/** Returns the HTTP status; 0 when there was no response. */
const patch = (id: string, ...Operations: object[]): Promise<number> =>
  loop.send('PATCH', `/Groups/${id}`, { schemas: [PATCH], Operations }).then(
    ({ status }) => status,
    () => 0,
  );
const adding = (people: readonly Person[]) => ({ op: 'add', path: 'members', value: values(people) });
const removing = ({ id }: Person) => ({ op: 'remove', path: `members[value eq "${id}"]` });

interface ScimGroupAnswer {
  readonly displayName: string;
  readonly members?: readonly { readonly value: string }[];
  readonly [PROVISIONING]: { readonly inStep: boolean; readonly boxId?: string };
}

/** What the SCIM server shows of a group, and what Box has: members by external id, sorted. */
async function bothSides(id: string, people: readonly Person[]) {
  const shown = (await (await loop.send('GET', `/Groups/${id}`)).json()) as ScimGroupAnswer;
  const { users, groups, memberships } = await stack.box.state();
  const externalIds = new Map(users.map((user) => [user.id, user.externalId ?? user.id]));
  const own = new Map(people.map((person) => [person.id, person.externalId]));
  const { inStep, boxId } = shown[PROVISIONING];
  return {
    inStep,
    scim: {
      name: shown.displayName,
      members: (shown.members ?? []).map(({ value }) => own.get(value) ?? value).sort(),
    },
    box: {
      name: groups.find((group) => group.id === boxId)?.name,
      members: memberships
        .filter(({ groupId }) => groupId === boxId)
        .map(({ userId }) => externalIds.get(userId) ?? userId)
        .sort(),
    },
  };
}

async function expectInStep(id: string, people: readonly Person[]): Promise<string[]> {
  const { inStep, scim, box } = await bothSides(id, people);
  expect(box).toEqual(scim);
  expect(inStep).toBe(true);
  return scim.members;
}

it('accepts members before Box has their users, and adds them later automatically', async () => {
  await stack.box.fault({
    kind: 'slow',
    delayMs: 400,
    times: null,
    match: { method: 'POST', path: '/2.0/users' },
  });
  const people = await crowd(12);
  const id = await makeGroup(`Early ${mark()}`, people);
  const request = await until('the group is in Box', async () => {
    const { box } = await bothSides(id, people);
    return box.name === undefined ? null : box;
  });
  expect(request.members.length).toBeLessThan(people.length);
  await loop.outside.allFinal();
  expect(await expectInStep(id, people)).toHaveLength(12);
});

it('stores members who were not pushed yet, and adds them when they are pushed', async () => {
  const early = `00u${mark()}${mark()}`;
  const id = await makeGroup(`Parked ${mark()}`, [{ id: early, externalId: early }]);
  await loop.outside.allFinal();
  expect((await bothSides(id, [])).box.members).toEqual([]);
  const answer = await loop.send('POST', '/Users', {
    ...{ schemas: [USER], userName: `${early}@example.com`, externalId: early, displayName: 'Early' },
  });
  const person = { id: ((await answer.json()) as Person).id, externalId: early };
  await loop.outside.allFinal();
  expect(await expectInStep(id, [person])).toEqual([early]);
});

it('leaves no member in Box whose adding had an unknown result and who was removed before the listings of Box show them', async () => {
  const [kept, ghost] = await crowd(2);
  const id = await makeGroup(`Ghost ${mark()}`, [kept!]);
  await loop.outside.allFinal();
  await stack.box.settings({ lookupLagMs: 2_000 });
  await stack.box.fault({ kind: 'resetAfter', match: { method: 'POST', path: '/2.0/group_memberships' } });
  expect(await patch(id, adding([ghost!]))).toBe(204);
  await until('Box has added them', async () =>
    (await bothSides(id, [kept!, ghost!])).box.members.length === 2 ? true : null,
  );
  expect(await patch(id, removing(ghost!))).toBe(204);
  await loop.outside.allFinal();
  expect(await expectInStep(id, [kept!, ghost!])).toEqual([kept!.externalId]);
});

it.each([
  [
    'renamed',
    (id: string, name: string) => patch(id, { op: 'replace', value: { displayName: `${name}, new` } }),
  ],
  ['deleted', async (id: string) => (await loop.send('DELETE', `/Groups/${id}`)).status],
])(
  'leaves no extra group in Box whose creation had an unknown result, and that is %s before the next try',
  async (_what, change) => {
    const name = `Behind ${mark()}`;
    const creating = { method: 'POST', path: '/2.0/groups' };
    await stack.box.settings({ lookupLagMs: 500 });
    await stack.box.fault({ kind: 'resetAfter', match: creating });
    await stack.box.fault({ kind: 'status', status: 429, retryAfter: 1, match: creating });
    const id = await makeGroup(name, await crowd(1));
    await until('Box has made it', async () => ((await loop.boxMembers(name)) ? true : null));
    expect(await change(id, name)).toBe(204);
    await loop.outside.allFinal();
    const left = (await stack.box.state()).groups.filter((group) => group.name.startsWith(name));
    expect(left.map((group) => group.name)).toEqual(_what === 'renamed' ? [`${name}, new`] : []);
  },
);

/** Faults that end a call on groups and memberships without a clear result, late, or with a temporary refusal. */
const faults: readonly BoxFault[] = [
  { kind: 'status', status: 429, retryAfter: 1 },
  { kind: 'status', status: 503 },
  { kind: 'statusAfter', status: 500 },
  { kind: 'resetBefore' },
  { kind: 'resetAfter' },
  { kind: 'damaged' },
  { kind: 'hang' },
  { kind: 'html', status: 502 },
];

it('ends with the members of the last push, whatever is changed at once, refused, cut off or killed', async () => {
  const seed = seedOf('one group, many hands');
  const dice = new Dice(seed);
  await stack.box.settings({ latencyMs: 25, lookupLagMs: 150 });
  const people = await crowd(24);
  const name = `Crowd ${mark()}`;
  const id = await makeGroup(name, people.slice(0, 8));
  const some = () => dice.shuffled(people).slice(0, dice.between(1, 6));
  const hand = async (which: number) => {
    for (let n = 0; n < volume(6, 10); n++) {
      const deed = dice.between(1, 8);
      if (deed <= 3) expect(await patch(id, adding(some()))).toBe(204);
      else if (deed <= 6) expect(await patch(id, ...some().map(removing))).toBe(204);
      else if (deed === 7)
        expect(await patch(id, { op: 'replace', value: { displayName: `${name} ${which}.${n}` } })).toBe(204);
      else expect(await patch(id, { op: 'replace', path: 'members', value: values(some()) })).toBe(204);
      const path = dice.pick(['/2.0/group_memberships', '/2.0/groups', '/2.0/users/']);
      await stack.box.fault({ ...dice.pick(faults), match: { path } });
    }
  };
  const kills = async () => {
    for (let n = 0; n < volume(2, 4); n++) {
      const seen = (await stack.box.calls()).length + dice.between(3, 15);
      await until(
        'Box is at it',
        async () => ((await stack.box.calls()).length >= seen ? true : null),
        10_000,
      ).catch(() => undefined);
      await dice.pick(stack.parts.provisioners).restart('SIGKILL');
    }
  };
  await Promise.all([hand(1), hand(2), hand(3), kills()]);
  await stack.box.clearFaults();
  await loop.outside.allFinal();
  const { inStep, scim, box } = await bothSides(id, people);
  expect({ seed, inStep, ...box }).toEqual({ seed, inStep: true, ...scim });
});

it('adopts a group with that name that was created by hand: members of Foyer are corrected, others are left unchanged', async () => {
  const [ours, gone, come] = await crowd(3);
  await loop.outside.allFinal();
  const { users } = await stack.box.state();
  const inBox = (person: Person) => users.find(({ externalId }) => externalId === person.externalId)!.id;
  const { users: seeded } = await stack.box.seed({
    users: [{ kind: 'managed', name: 'Mana Ged', login: `managed-${mark()}@example.com` }],
  });
  const stranger = seeded[0]!.id;
  const name = `By hand ${mark()}`;
  const { groups: made } = await stack.box.seed({
    groups: [{ name, members: [inBox(ours!), inBox(gone!), stranger] }],
  });
  const id = await makeGroup(name, [ours!, come!]);
  await loop.outside.allFinal();
  const shown = await bothSides(id, [ours!, gone!, come!]);
  expect(shown).toMatchObject({
    inStep: true,
    scim: { members: [ours, come].map((one) => one!.externalId).sort() },
  });
  expect(await loop.boxMembers(name)).toEqual([inBox(ours!), inBox(come!), stranger].sort());
  expect((await stack.box.state()).groups.filter((group) => group.name === name)).toMatchObject([
    { id: made[0]!.id },
  ]);
});

it('ends with the names of the last push, although groups exchange them faster than the calls to Box', async () => {
  await stack.box.settings({ latencyMs: 100 });
  const [member] = await crowd(1);
  const [a, b, c] = ['A', 'B', 'C'].map((name) => `${name} ${mark()}`);
  const [one, two] = [await makeGroup(a!, [member!]), await makeGroup(b!, [])];
  await loop.outside.allFinal();
  const rename = (id: string, name: string) => patch(id, { op: 'replace', value: { displayName: name } });
  expect([await rename(one, c!), await rename(two, a!), await rename(one, b!)]).toEqual([204, 204, 204]);
  await loop.outside.allFinal();
  expect(await expectInStep(one, [member!])).toEqual([member!.externalId]);
  expect(await expectInStep(two, [])).toEqual([]);
  expect((await loop.send('DELETE', `/Groups/${one}`)).status).toBe(204);
  expect(await rename(two, b!)).toBe(204);
  await loop.outside.allFinal();
  expect(await expectInStep(two, [])).toEqual([]);
});

it('removes a leaver from a group whose new name was taken by hand, and reports why the name waits', async () => {
  const [stays, leaves] = await crowd(2);
  const [name, taken] = [`Named ${mark()}`, `Taken ${mark()}`];
  const id = await makeGroup(name, [stays!, leaves!]);
  await loop.outside.allFinal();
  await stack.box.seed({ groups: [{ name: taken }] });
  expect(await patch(id, { op: 'replace', value: { displayName: taken } }, removing(leaves!))).toBe(204);
  const { box } = await until('they are out', async () => {
    const sides = await bothSides(id, [stays!, leaves!]);
    return sides.box.members.length === 1 ? sides : null;
  });
  expect(box).toEqual({ name, members: [stays!.externalId] });
  // The attempt that removed the members reports the name conflict when it ends, a moment later.
  const waiting = await until('the name is said to wait', async () => {
    const rows = await loop.outside.query<{ error_code: string }>(
      'SELECT error_code FROM provisioning_request WHERE group_id = $1 AND error_code IS NOT NULL',
      [id],
    );
    return rows[0] ?? null;
  });
  expect(waiting).toEqual({ error_code: 'box_group_conflict' });
  expect(await patch(id, { op: 'replace', value: { displayName: `${taken} too` } })).toBe(204);
  await loop.outside.allFinal();
  expect(await expectInStep(id, [stays!, leaves!])).toEqual([stays!.externalId]);
});

it('adds and removes all other members when Box refuses one member permanently', async () => {
  const people = await crowd(24);
  const id = await makeGroup(`Refused ${mark()}`, people.slice(0, 4));
  await loop.outside.allFinal();
  const match = { method: 'POST', path: '/2.0/group_memberships' };
  await stack.box.fault({ kind: 'status', status: 403, skip: 2, match });
  expect(await patch(id, adding(people.slice(4)), removing(people[0]!), removing(people[1]!))).toBe(204);
  await loop.outside.allFinal();
  const { inStep, scim, box } = await bothSides(id, people);
  expect([inStep, box.members.length, scim.members.length]).toEqual([false, 21, 22]);
  const left = people.slice(0, 2).map(({ externalId }) => externalId);
  expect(box.members.filter((member) => left.includes(member))).toEqual([]);
  // Okta's next push changes nothing, but causes a new attempt.
  expect(await patch(id, adding(people.slice(4)))).toBe(204);
  await loop.outside.allFinal();
  expect(await expectInStep(id, people)).toHaveLength(22);
});

it('adds one to hundreds with one call to Box', async () => {
  const size = volume(120, 500);
  const people = await crowd(size + 1);
  const [last, ...first] = people;
  await loop.outside.allFinal();
  const before = (await stack.box.calls()).at(-1)!.seq;
  const id = await makeGroup(`Hundreds ${mark()}`, first);
  await loop.outside.allFinal();
  expect(await expectInStep(id, people)).toHaveLength(size);
  const calls = (await stack.box.calls(before)).filter(({ path }) => path.startsWith('/2.0/'));
  expect(calls).toHaveLength(size + 1);
  const since = calls.at(-1)!.seq;
  expect(await patch(id, adding([last!]))).toBe(204);
  await loop.outside.allFinal();
  expect((await stack.box.calls(since)).map(({ method, path }) => `${method} ${path}`)).toEqual([
    'POST /2.0/group_memberships',
  ]);
  expect(await expectInStep(id, people)).toHaveLength(size + 1);
});
