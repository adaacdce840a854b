import { readListQuery, userType } from '@foyer/scim';
import { createTestDatabase, type TestDatabase } from '../database/database.harness.ts';
import { openDatabase, type Database } from '../database/database.ts';
import { statementsOf } from '../database/statements.harness.ts';
import { ScimUsers } from './users/users.ts';

let test: TestDatabase;
let users: ScimUsers;
let tenantId: string;
beforeAll(async () => {
  test = await createTestDatabase();
  tenantId = await test.tenant();
  users = new ScimUsers(test.database, tenantId, 'https://example.okta.com');
  await test.database.pool.query(
    `INSERT INTO identity (tenant_id, issuer, subject, username, name, username_source)
     SELECT $1, 'https://example.okta.com', '00u' || n, 'u' || n || '@example.com', 'U', 'administered'
     FROM generate_series(1, 5000) n`,
    [tenantId],
  );
  await test.database.pool.query('ANALYZE identity');
});
afterAll(() => test.drop());

it.each([
  'userName eq "U17@example.com"',
  'externalId eq "00u17"',
  'id eq "6f1c6b5e-0000-4000-8000-000000000000"',
  'userName eq "u17@example.com" and active eq true',
])('%s is found by an index, for any number of people', async (filter) => {
  const seen = await statementsOf(test.database, () =>
    users.list(readListQuery({ filter, startIndex: '1', count: '100' }, userType)),
  );
  const asked = seen.filter(({ text }) => text.includes('FROM identity'));
  expect(asked).toHaveLength(1);
  for (const { text } of asked) {
    const { rows } = await test.database.pool.query<{ 'QUERY PLAN': string }>(
      `EXPLAIN (GENERIC_PLAN) ${text}`,
    );
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).not.toContain('Seq Scan on identity');
    expect(plan).toMatch(
      /Index (Only )?Scan (Backward )?using identity_\w+ on identity i|Bitmap Index Scan on identity_/,
    );
  }
});

describe('the statements of a list', () => {
  const statementsFor = (query: Record<string, string>) =>
    statementsOf(test.database, () => users.list(readListQuery(query, userType)));

  it.each(['userName eq "u17@example.com"', 'externalId eq "00u17"', 'userName eq "u0@example.com"'])(
    'are one for the look-up %s, prepared, and with the same name for each value',
    async (filter) => {
      const [first, ...more] = await statementsFor({ filter, startIndex: '1', count: '100' });
      expect(first?.name).toMatch(/^foyer-scim-look-up-/);
      expect(more).toEqual([]);
      const [second] = await statementsFor({ filter: filter.replace('17', '18'), count: '1' });
      expect(second?.name).toBe(first?.name);
    },
  );

  it.each([
    ['a filter with more matches than a page', { filter: 'userName sw "u1"', count: '2' }, 2],
    ['a later page', { filter: 'userName eq "u17@example.com"', startIndex: '2' }, 2],
    ['no page at all', { filter: 'userName eq "u17@example.com"', count: '0' }, 1],
    ['all people', {}, 2],
  ])('count the matches for %s', async (_name, query, statements) => {
    const seen = await statementsFor(query);
    expect(seen).toHaveLength(statements);
    expect(seen.filter(({ text }) => text.includes('count(*)'))).toHaveLength(1);
  });

  it('are not prepared for filters of other forms, which are without number', async () => {
    const filters = ['userName eq "a" and userName eq "b"', 'title eq "a"', 'userName sw "zz"'];
    for (const filter of filters)
      for (const { name } of await statementsFor({ filter })) expect(name).toBeNull();
  });

  it('tell the number of all matches', async () => {
    const totalOf = async (query: Record<string, string>) =>
      (await users.list(readListQuery(query, userType))).total;
    const one = { filter: 'userName eq "u17@example.com"' };
    expect(await totalOf(one)).toBe(1);
    expect(await totalOf({ ...one, count: '1' })).toBe(1);
    expect(await totalOf({ ...one, count: '0' })).toBe(1);
    expect(await totalOf({ ...one, startIndex: '2' })).toBe(1);
    expect(await totalOf({ filter: 'userName eq "nobody"' })).toBe(0);
    expect(await totalOf({ filter: 'userName sw "u499"', count: '3' })).toBe(11);
    expect(await totalOf({ filter: 'userName sw "u499"', count: '11' })).toBe(11);
    expect(await totalOf({ filter: 'userName sw "u499"', cursor: '', count: '3' })).toBe(11);
  });
});

describe('a search that takes longer than a statement may', () => {
  let slow: Database;
  beforeAll(() => {
    slow = openDatabase({ url: test.url });
    slow.pool.on('connect', (client) => void client.query('SET statement_timeout = 1'));
  });
  afterAll(() => slow.close());
  const searching = (query: Record<string, string>) =>
    new ScimUsers(slow, tenantId, 'https://example.okta.com').list(readListQuery(query, userType));

  it.each<Record<string, string>>([{ filter: 'emails.value co "nobody"' }, { sortBy: 'displayName' }])(
    'is refused with tooMany and the attributes that have an index: %j',
    async (query) => {
      await expect(searching(query)).rejects.toMatchObject({
        status: 400,
        scimType: 'tooMany',
        message: expect.stringContaining('Search by id, userName, externalId.') as string,
      });
    },
  );
});
