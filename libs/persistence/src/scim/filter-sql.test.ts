import { fold } from '@foyer/scim';
import { createTestDatabase, type TestDatabase } from '../database.harness.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

describe('text whose case does not matter', () => {
  it('is folded by the database as by the protocol, whatever the character', async () => {
    const { rows } = await test.database.pool.query<{ code: number; folded: string }>(
      `SELECT code, scim_fold(chr(code)) AS folded FROM generate_series(1, x'10FFFF'::int) code
       WHERE code NOT BETWEEN x'D800'::int AND x'DFFF'::int AND scim_fold(chr(code)) <> chr(code)`,
    );
    // Of letters younger than the database's Unicode it leaves the case alone.
    const differing = rows.filter(
      ({ code, folded }) => fold(`A${String.fromCodePoint(code)}`) !== `a${folded}`,
    );
    expect(rows.length).toBeGreaterThan(1_000);
    expect(differing).toEqual([]);
  });
});
