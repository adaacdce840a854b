import { fold, groupNameForm, userNameForm } from '@foyer/scim';
import fc from 'fast-check';
import { createTestDatabase, type TestDatabase } from '../database/database.harness.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

describe('text that is compared without case', () => {
  it('is folded by the database as by libs/scim, for every character', async () => {
    const { rows } = await test.database.pool.query<{ code: number; folded: string }>(
      `SELECT code, scim_fold(chr(code)) AS folded FROM generate_series(1, x'10FFFF'::int) code
       WHERE code NOT BETWEEN x'D800'::int AND x'DFFF'::int AND scim_fold(chr(code)) <> chr(code)`,
    );
    // The database does not change the case of letters that are newer than its Unicode version.
    const differing = rows.filter(
      ({ code, folded }) => fold(`A${String.fromCodePoint(code)}`) !== `a${folded}`,
    );
    expect(rows.length).toBeGreaterThan(1_000);
    expect(differing).toEqual([]);
  });
});

describe.each([
  ['scim_user_name', userNameForm],
  ['scim_group_name', groupNameForm],
] as const)('%s', (name, form) => {
  it('gives the same result as libs/scim for every character', async () => {
    const { rows } = await test.database.pool.query<{ code: number; given: string }>(
      `SELECT code, ${name}('A' || chr(code)) AS given FROM generate_series(1, x'10FFFF'::int) code
       WHERE code NOT BETWEEN x'D800'::int AND x'DFFF'::int AND unicode_assigned(chr(code))
         AND (${name}('A' || chr(code)) <> 'a' || chr(code))`,
    );
    const changed = new Map(rows.map(({ code, given }) => [code, given]));
    const differing: number[] = [];
    for (let code = 1; code <= 0x10ffff; code++) {
      if (code >= 0xd800 && code <= 0xdfff) continue;
      const text = String.fromCodePoint(code);
      const expected = form(`A${text}`);
      const given = changed.get(code) ?? `a${text}`;
      if (given !== expected) differing.push(code);
    }
    const { rows: young } = await test.database.pool.query<{ code: number }>(
      `SELECT code FROM unnest($1::int[]) code WHERE unicode_assigned(chr(code))`,
      [differing],
    );
    expect(changed.size).toBeGreaterThan(1_000);
    expect(young.map(({ code }) => code.toString(16))).toEqual([]);
  });

  it('gives the same result as libs/scim for any text', async () => {
    const unit = fc.oneof(
      fc.constantFrom(...'aZ \t\u00a0\u0130\u0307\u0308\u0301\u0345\u03a3\u03c2\u1fbc\u212b\u3000\ufeff'),
      fc.integer({ min: 0xff01, max: 0xffee }).map((code) => String.fromCharCode(code)),
      fc.integer({ min: 0xc0, max: 0x24f }).map((code) => String.fromCharCode(code)),
    );
    const texts = fc.sample(fc.string({ unit, minLength: 1, maxLength: 8 }), { numRuns: 2_000, seed: 7 });
    const { rows } = await test.database.pool.query<{ text: string; given: string }>(
      `SELECT text, ${name}(text) AS given FROM unnest($1::text[]) text`,
      [texts],
    );
    expect(rows.filter(({ text, given }) => given !== form(text))).toEqual([]);
  });
});
