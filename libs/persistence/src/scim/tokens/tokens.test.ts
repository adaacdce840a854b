import { randomUUID } from 'node:crypto';
import { jest } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../database/database.harness.ts';
import { expiringScimTokens, scimTokenProblem } from './token-expiry.ts';
import { isScimToken } from './token-text.ts';
import { ScimTokens } from './tokens.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());
afterEach(() => {
  jest.useRealTimers();
});

const DAY_MS = 86_400_000;

async function tenant() {
  const tenantId = await test.tenant();
  const tokens = new ScimTokens(test.database, tenantId);
  return {
    tenantId,
    tokens,
    make: async (name: string, days = 365) => {
      const result = await tokens.create({ name, days }, 'operator');
      if (result === null) throw new Error(`${name} is taken`);
      return { token: result.token, ...result.made };
    },
  };
}

const sql = async <Row>(text: string, values: unknown[]) =>
  (await test.database.pool.query(text, values)).rows as Row[];

/** Makes the token older. */
const age = (id: string, by: string) =>
  sql(
    `UPDATE scim_token SET created_at = created_at - $2::interval, expires_at = expires_at - $2::interval,
       last_used_at = last_used_at - $2::interval WHERE id = $1`,
    [id, by],
  );

describe('a token', () => {
  it('is found by its text, by the tenant it was created for only', async () => {
    const { tokens, make } = await tenant();
    const { token, id } = await make('okta');
    expect(token).toMatch(/^foyer_scim_[A-Za-z0-9_-]{43}$/);
    expect(isScimToken(token)).toBe(true);
    expect(await tokens.find(token)).toEqual({
      ...{ id, name: 'okta', state: 'active', isUseNoted: false },
      secondsLeft: expect.closeTo(365 * 86_400, -2) as number,
    });
    expect(await tokens.find(token.toUpperCase())).toBeNull();
    expect(await (await tenant()).tokens.find(token)).toBeNull();
  });

  it('is not stored in the database, only its hash and its last four characters', async () => {
    const { tenantId, make } = await tenant();
    const { token, hint } = await make('okta');
    const [row] = await sql<{ kept: string }>(
      `SELECT (SELECT string_agg(t::text, '') FROM scim_token t WHERE tenant_id = $1)
         || (SELECT string_agg(c::text, '') FROM api_call c WHERE tenant_id = $1) AS kept`,
      [tenantId],
    );
    expect(row!.kept).not.toContain(token.slice('foyer_scim_'.length));
    expect(hint).toBe(token.slice(-4));
  });

  it("lasts whole days of 24 hours by the database's clock, whatever this process's clock", async () => {
    const { tokens, make } = await tenant();
    jest.useFakeTimers({
      now: Date.now() + 400 * DAY_MS,
      doNotFake: ['nextTick', 'setImmediate', 'setTimeout'],
    });
    const { token, createdAt, expiresAt } = await make('okta', 30);
    expect(Math.abs(expiresAt.getTime() - createdAt.getTime() - 30 * DAY_MS)).toBeLessThan(1_000);
    expect(await tokens.find(token)).toMatchObject({ state: 'active' });
    expect((await tokens.standing())[0]!.secondsLeft).toBeGreaterThan(29.9 * 86_400);
  });

  it('expires at its time', async () => {
    const { tokens, make } = await tenant();
    const { token, id } = await make('okta', 1);
    await age(id, '23 hours 59 minutes');
    expect(await tokens.find(token)).toMatchObject({ state: 'active' });
    await age(id, '1 minute');
    expect(await tokens.find(token)).toMatchObject({ state: 'expired' });
  });

  it('stops working as soon as it is revoked', async () => {
    const { tokens, make } = await tenant();
    const { token, id } = await make('okta');
    expect(await tokens.revoke('okta', 'operator')).toMatchObject({
      isNew: true,
      token: { id, state: 'revoked' },
    });
    expect(await tokens.find(token)).toMatchObject({ state: 'revoked' });
    const [{ revokedAt } = { revokedAt: null }] = await tokens.list();
    for (const which of ['okta', id, id.toUpperCase()])
      expect(await tokens.revoke(which, 'operator')).toMatchObject({ isNew: false, token: { revokedAt } });
    expect(await tokens.revoke('other', 'operator')).toBeNull();
    expect(await tokens.revoke(randomUUID(), 'operator')).toBeNull();
  });

  it('of another tenant cannot be revoked, by name or by id', async () => {
    const [ours, theirs] = [await tenant(), await tenant()];
    const { token, id } = await theirs.make('okta');
    expect(await ours.tokens.revoke('okta', 'operator')).toBeNull();
    expect(await ours.tokens.revoke(id, 'operator')).toBeNull();
    expect(await theirs.tokens.find(token)).toMatchObject({ state: 'active' });
  });

  it('is on record when it is created and when it is revoked', async () => {
    const { tenantId, tokens, make } = await tenant();
    const { id } = await make('okta');
    await tokens.revoke('okta', 'operator:ada');
    await tokens.revoke('okta', 'operator:ada');
    const calls = await sql<{ operation: string; actor: string; token: string }>(
      `SELECT operation, actor, parameters ->> 'tokenId' AS token FROM api_call WHERE tenant_id = $1 ORDER BY id`,
      [tenantId],
    );
    expect(calls).toEqual([
      { operation: 'create_scim_token', actor: 'operator', token: id },
      { operation: 'revoke_scim_token', actor: 'operator:ada', token: id },
    ]);
  });
});

describe('several tokens', () => {
  it('are valid at the same time, so that they can be exchanged without a gap', async () => {
    const { tokens, make } = await tenant();
    const [old, young] = [await make('okta-1'), await make('okta-2')];
    for (const { token } of [old, young]) expect(await tokens.find(token)).toMatchObject({ state: 'active' });
    await tokens.revoke('okta-1', 'operator');
    expect(await tokens.find(old.token)).toMatchObject({ state: 'revoked' });
    expect(await tokens.find(young.token)).toMatchObject({ state: 'active' });
    expect((await tokens.list()).map(({ name }) => name)).toEqual(['okta-2', 'okta-1']);
  });

  it('cannot share a name, even when they are created at once', async () => {
    const { tokens } = await tenant();
    const made = await Promise.all(
      Array.from({ length: 8 }, () => tokens.create({ name: 'okta', days: 1 }, 'operator')),
    );
    expect(made.filter((one) => one !== null)).toHaveLength(1);
    expect(await tokens.list()).toHaveLength(1);
  });

  it('may have the name of one that was revoked or has expired', async () => {
    const { tokens, make } = await tenant();
    await make('okta');
    await tokens.revoke('okta', 'operator');
    const second = await make('okta', 1);
    await age(second.id, '1 day');
    const third = await make('okta');
    const states = (await tokens.list()).map(({ state }) => state);
    expect(states.toSorted()).toEqual(['active', 'expired', 'revoked']);
    expect(await tokens.revoke('okta', 'operator')).toMatchObject({ isNew: true, token: { id: third.id } });
  });

  it.each(['', 'with blank', '-first', 'x'.repeat(64), 'a\nb', 'ümlaut'])(
    'cannot be named %j',
    async (name) => {
      const { tokens } = await tenant();
      await expect(tokens.create({ name, days: 1 }, 'operator')).rejects.toThrow(/scim_token_name_check/);
    },
  );
});

describe('the last use', () => {
  it('is recorded once a minute, however many requests use the token', async () => {
    const { tokens, make } = await tenant();
    const { token, id } = await make('okta');
    const written = async () => {
      const rows = await sql<{ version: string }>('SELECT xmin AS version FROM scim_token WHERE id = $1', [
        id,
      ]);
      return rows[0]!.version;
    };
    await Promise.all(Array.from({ length: 10 }, () => tokens.noteUse(id)));
    const first = await written();
    expect(await tokens.find(token)).toMatchObject({ isUseNoted: true });
    await tokens.noteUse(id);
    expect(await written()).toBe(first);
    await age(id, '61 seconds');
    expect(await tokens.find(token)).toMatchObject({ isUseNoted: false });
    const before = await written();
    await tokens.noteUse(id);
    expect(await written()).not.toBe(before);
  });
});

describe('the warning', () => {
  it('begins fourteen days before a token expires', async () => {
    const { tokens, make } = await tenant();
    const { id } = await make('okta', 30);
    await age(id, '15 days 23 hours');
    expect(scimTokenProblem(await tokens.standing())).toBeNull();
    await age(id, '1 hour');
    expect(scimTokenProblem(await tokens.standing())).toMatch(/^The SCIM token okta ….{4} expires at 20/);
  });

  it('continues after that, until there is a newer token or it is revoked', async () => {
    const { tokens, make } = await tenant();
    const old = await make('okta', 1);
    await age(old.id, '3 days');
    expect(scimTokenProblem(await tokens.standing())).toContain('expired at');
    await make('okta-2');
    expect(expiringScimTokens(await tokens.standing())).toEqual([]);
    await tokens.revoke('okta-2', 'operator');
    expect(expiringScimTokens(await tokens.standing())).toHaveLength(1);
    await tokens.revoke('okta', 'operator');
    expect(await tokens.standing()).toEqual([]);
  });

  it('names the first token to expire, and counts the others', async () => {
    const { tokens, make } = await tenant();
    await make('second', 2);
    await make('first', 1);
    await make('late', 100);
    expect(scimTokenProblem(await tokens.standing())).toMatch(/token first .*\(and 1 more\)/);
  });
});
