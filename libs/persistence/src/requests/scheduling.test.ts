import { GROUP_PRIORITY } from '@foyer/shared';
import { createTestDatabase, type TestDatabase } from '../database/database.harness.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

it('gives the requests that a trigger opens the priority of groups', async () => {
  const { rows } = await test.database.pool.query<{ text: string }>(
    `SELECT prosrc AS text FROM pg_proc WHERE prosrc LIKE '%INSERT INTO provisioning_request%'`,
  );
  const priorities = rows.flatMap(({ text }) =>
    [...text.matchAll(/'scim', (\d+),/g)].map(([, n]) => Number(n)),
  );
  expect(priorities).toEqual(rows.map(() => GROUP_PRIORITY));
  expect(rows.length).toBeGreaterThan(0);
});
