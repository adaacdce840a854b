import { fold, groupType, matches, parseFilter, PROVISIONING_URN, userType } from '@foyer/scim';
import fc from 'fast-check';
import { filterTexts, fuzzRuns, userBodies, words } from './generated.harness.ts';
import { GROUP, ScimTestClient, USER, type ScimBody } from './scim.harness.ts';

const PEOPLE = 24;
const GROUPS = 10;

let scim: ScimTestClient;
const people: ScimBody[] = [];
const groups: ScimBody[] = [];

beforeAll(async () => {
  scim = await ScimTestClient.start();
  const bodies = fc.sample(userBodies, { numRuns: PEOPLE, seed: 1 });
  for (const [n, body] of bodies.entries()) {
    const made = await scim.post('/Users', {
      ...body,
      schemas: [USER],
      userName: n % 2 === 0 ? `${n} Σ` : `a${n}`,
      ...(n % 3 > 0 && { externalId: `00u${n}` }),
    });
    expect(made).toMatchObject({ status: 201 });
    people.push(made.body);
  }
  const names = fc.sample(words, { numRuns: GROUPS, seed: 2 });
  const anybody = fc.sample(
    fc.subarray([...people.map(({ id }) => id), 'nobody', 'Σ', '00ulater'], { maxLength: 5 }),
    { numRuns: GROUPS, seed: 3 },
  );
  for (const [n, members] of anybody.entries()) {
    const made = await scim.post('/Groups', {
      schemas: [GROUP],
      displayName: `${names[n]} ${n}`,
      ...(n % 2 > 0 && { externalId: names[n] }),
      members: members.map((id, at) => ({ value: id, ...(at % 2 > 0 && { display: names[n] }) })),
    });
    expect(made).toMatchObject({ status: 201 });
    groups.push(made.body);
  }
  people.splice(0, PEOPLE, ...(await whole('/Users')));
  const waiting = `${PROVISIONING_URN}:waitingMembers`;
  const withWaiting = (await scim.get(`/Groups?attributes=${waiting}`)).body.Resources;
  const plain = await whole('/Groups');
  const merged = plain.map((group) => {
    const more = withWaiting.find(({ id }) => id === group.id)?.[PROVISIONING_URN] as object | undefined;
    return { ...group, [PROVISIONING_URN]: { ...(group[PROVISIONING_URN] as object), ...more } };
  });
  groups.splice(0, GROUPS, ...merged);
});
afterAll(() => scim.stop());

const whole = async (endpoint: string): Promise<readonly ScimBody[]> =>
  (await scim.get(`${endpoint}?count=1000`)).body.Resources;

/** Each text in the resources. */
function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : [];
}

describe.each([
  ['/Users', userType, people],
  ['/Groups', groupType, groups],
] as const)('a filter of %s', (endpoint, type, resources) => {
  it('finds in the database the resources that match it in the view of the client', async () => {
    const numRuns = fuzzRuns(150);
    let found = 0;
    const texts = filterTexts(
      type,
      [...new Set(textsOf(resources))].filter((text) => text.length < 200),
    );
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        const filter = parseFilter(text, type);
        const expected = resources.filter((each) => matches(filter, each)).map(({ id }) => id);
        const answer = await scim.get(
          `${endpoint}?count=1000&attributes=id&filter=${encodeURIComponent(text)}`,
        );
        expect({ status: answer.status, total: answer.body.totalResults }).toEqual({
          status: 200,
          total: expected.length,
        });
        expect(answer.body.Resources.map(({ id }) => id).sort()).toEqual(expected.sort());
        if (expected.length > 0 && expected.length < resources.length) found += 1;
      }),
      { numRuns },
    );
    // With random words most filters would match no resource, or all of them.
    expect(found).toBeGreaterThan(numRuns / 10);
  });
});

const sortings = [
  'userName',
  'title',
  'emails.value',
  'emails',
  'active',
  'meta.created',
  'externalId',
  'id',
] as const;

/** The primary value of several, or else the first; null when there is none (RFC 7644, section 3.4.2.3). */
function sortedBy(resource: unknown, names: readonly string[]): unknown {
  const [name, ...others] = names;
  if (name === undefined) return resource ?? null;
  const value = (resource as Readonly<Record<string, unknown>> | null)?.[name] ?? null;
  if (!Array.isArray(value)) return sortedBy(value, others);
  const [first = null] = value as readonly unknown[];
  return sortedBy(first, others.length > 0 ? others : ['value']);
}

function isInOrder(a: unknown, b: unknown, isExact: boolean): boolean {
  if (a === null || b === null) return b === null;
  if (typeof a === 'boolean') return Number(a) <= Number(b);
  const [one, other] = [a, b].map((text) => Buffer.from(isExact ? (text as string) : fold(text as string)));
  return Buffer.compare(one!, other!) <= 0;
}

describe('a sorted list', () => {
  it.each(sortings)('is in the order of %s, and backwards the other way round', async (sortBy) => {
    const [up, down] = await Promise.all(
      ['ascending', 'descending'].map(async (order) => {
        const { body } = await scim.get(`/Users?count=1000&sortBy=${sortBy}&sortOrder=${order}`);
        return body.Resources;
      }),
    );
    expect(up).toHaveLength(PEOPLE);
    const values = up!.map((user) => sortedBy(user, sortBy.split('.')));
    const isExact = sortBy === 'id' || sortBy === 'externalId';
    values.slice(1).forEach((value, at) => {
      expect([values[at], value, isInOrder(values[at], value, isExact)]).toEqual([values[at], value, true]);
    });
    expect(down!.map(({ id }) => id)).toEqual(up!.map(({ id }) => id).reverse());
  });
});

describe('the pages of a list', () => {
  const asked = fc.record({
    endpoint: fc.constantFrom('/Users', '/Groups'),
    sortBy: fc.constantFrom(null, 'id', 'externalId', 'meta.lastModified', 'displayName'),
    sortOrder: fc.constantFrom('ascending', 'descending'),
    filter: fc.constantFrom(null, 'externalId pr', 'displayName co "a"'),
    count: fc.integer({ min: 1, max: 9 }),
    by: fc.constantFrom('cursor', 'index'),
  });

  it('contain the whole list, and no resource is on two of them', async () => {
    await fc.assert(
      fc.asyncProperty(asked, async ({ endpoint, count, by, ...query }) => {
        const given = Object.entries(query).flatMap(([name, value]) =>
          value === null ? [] : [[name, value] as const],
        );
        const page = (more: Record<string, string>) =>
          scim.get(
            `${endpoint}?${new URLSearchParams(Object.fromEntries([...given, ...Object.entries(more)])).toString()}`,
          );
        const all = (await page({ count: '1000' })).body;
        const ids: string[] = [];
        let place: string | undefined = by === 'cursor' ? '' : '1';
        while (place !== undefined) {
          const { status, body } = await page({
            count: String(count),
            [by === 'cursor' ? 'cursor' : 'startIndex']: place,
          });
          expect([status, body.totalResults]).toEqual([200, all.totalResults]);
          expect(body.Resources.length).toBeLessThanOrEqual(count);
          ids.push(...body.Resources.map(({ id }) => id));
          place = by === 'cursor' ? body.nextCursor : nextIndex(ids.length, all.totalResults);
        }
        expect(ids).toEqual(all.Resources.map(({ id }) => id));
      }),
      { numRuns: Math.min(fuzzRuns(30), 100) },
    );
  });
});

const nextIndex = (seen: number, total: number): string | undefined =>
  seen < total ? String(seen + 1) : undefined;
