import { randomUUID } from 'node:crypto';
import { createTestDatabase, type TestDatabase } from './database.harness.ts';
import { openDatabase, openTenant } from './database.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

describe('the database', () => {
  it('makes one tenant for many processes that start at once', async () => {
    const slug = `t-${randomUUID()}`;
    const ids = await Promise.all(Array.from({ length: 20 }, () => openTenant(test.database, slug)));
    expect(new Set(ids).size).toBe(1);
  });

  it('says in time that it does not answer', async () => {
    const nobody = openDatabase({ url: 'postgresql://foyer@127.0.0.1:9/foyer' });
    await expect(nobody.ping(2_000)).rejects.toThrow();
    await nobody.close();
  });
});
