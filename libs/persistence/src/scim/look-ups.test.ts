import { readListQuery, userType } from '@foyer/scim';
import { createTestDatabase, type TestDatabase } from '../database/database.harness.ts';
import { statementsOf } from '../database/statements.harness.ts';
import { ScimUsers } from './users.ts';

let test: TestDatabase;
let users: ScimUsers;
beforeAll(async () => {
  test = await createTestDatabase();
  const tenantId = await test.tenant();
  users = new ScimUsers(test.database, tenantId, 'https://example.okta.com');
  await test.database.pool.query(
    `INSERT INTO identity (tenant_id, issuer, subject, username, name)
     SELECT $1, 'https://example.okta.com', '00u' || n, 'u' || n || '@example.com', 'U' FROM generate_series(1, 5000) n`,
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
  expect(asked).toHaveLength(2);
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
