import { ApiCalls } from '@foyer/persistence';
import { createTestDatabase, type TestDatabase } from '@foyer/persistence/testing';
import { createScimToken, isScimTokenName, listScimTokens, revokeScimToken } from './scim-tokens.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const sourcesOf = async () => ({ database: test.database, tenantId: await test.tenant() });

it('creates a token once under a name, revokes it once, and records who did both', async () => {
  const sources = await sourcesOf();
  const created = await createScimToken(sources, { name: 'okta', days: 365 }, 'operator:ada');
  expect(created?.made).toMatchObject({ name: 'okta', revokedAt: null });
  expect(await createScimToken(sources, { name: 'okta', days: 365 }, 'operator:ada')).toBeNull();
  expect(await revokeScimToken(sources, 'okta', 'operator:eve')).toMatchObject({ isNew: true });
  expect(await revokeScimToken(sources, 'okta', 'operator:eve')).toMatchObject({ isNew: false });
  expect(await revokeScimToken(sources, 'unknown', 'operator:eve')).toBeNull();
  expect(await listScimTokens(sources)).toMatchObject([{ name: 'okta', state: 'revoked' }]);
  const { items } = await new ApiCalls(sources.database, sources.tenantId).list({ limit: 10 });
  expect(items.map(({ operation, actor }) => [operation, actor])).toEqual([
    ['revoke_scim_token', 'operator:eve'],
    ['create_scim_token', 'operator:ada'],
  ]);
});

it.each([
  ['okta', 0],
  ['okta', 731],
  ['okta', 1.5],
  ['', 365],
  ['-okta', 365],
  ['x'.repeat(64), 365],
  ['7d0f6f3a-1c1e-4a53-8f3f-5f7b8d2c4e02', 365],
])('refuses the name %j for %d days, and creates nothing', async (name, days) => {
  const sources = await sourcesOf();
  await expect(createScimToken(sources, { name, days }, 'operator:ada')).rejects.toThrow(RangeError);
  expect(await listScimTokens(sources)).toEqual([]);
});

it('accepts names of 63 characters', () => {
  expect(isScimTokenName('a'.repeat(63))).toBe(true);
});
