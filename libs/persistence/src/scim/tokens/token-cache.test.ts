import { createTestDatabase, type TestDatabase } from '../../database/database.harness.ts';
import { statementsOf } from '../../database/statements.harness.ts';
import { RequestWatch, type TokenChanges } from '../../requests/request-watch.ts';
import { TokenCache } from './token-cache.ts';
import { ScimTokens } from './tokens.ts';

interface Token {
  readonly secondsLeft: number;
}

/** A cache over a token that can be read, with a clock and notifications of the test's own. */
function parts() {
  const listeners: (() => void)[] = [];
  const state = { now: 0, reads: 0, isListening: true, token: { secondsLeft: 3_600 } as Token | undefined };
  const changes: TokenChanges = {
    get isListening() {
      return state.isListening;
    },
    onTokenChange: (listener) => void listeners.push(listener),
  };
  const cache = new TokenCache<Token>(changes, () => state.now);
  const read = () => Promise.resolve((state.reads++, state.token));
  const find = (from = read, isGood = true) => cache.find('hash', from, () => isGood);
  return { cache, state, find, tell: () => listeners.forEach((listener) => listener()) };
}

describe('a cache of SCIM tokens', () => {
  it('reads a token once, until two seconds have passed', async () => {
    const { state, find } = parts();
    await find();
    state.now = 1_999;
    expect(await find()).toBe(state.token);
    expect(state.reads).toBe(1);
    state.now = 2_000;
    await find();
    expect(state.reads).toBe(2);
  });

  it('keeps no token beyond its expiry', async () => {
    const { state, find } = parts();
    state.token = { secondsLeft: 0.5 };
    await find();
    state.now = 500;
    await find();
    expect(state.reads).toBe(2);
  });

  it('is emptied by a change of a token', async () => {
    const { state, find, tell } = parts();
    await find();
    tell();
    state.token = undefined;
    expect(await find()).toBeUndefined();
  });

  it('does not keep what was read before a change that was announced during the read', async () => {
    const { state, find, tell } = parts();
    await find(() => {
      tell();
      return Promise.resolve({ secondsLeft: 3_600 });
    });
    await find();
    expect(state.reads).toBe(1);
  });

  it('keeps nothing while changes are not announced, and no token that is refused or unknown', async () => {
    const { state, find } = parts();
    state.isListening = false;
    await find();
    await find();
    expect(state.reads).toBe(2);
    state.isListening = true;
    await find(undefined, false);
    await find(undefined, false);
    expect(state.reads).toBe(4);
    state.token = undefined;
    await find();
    await find();
    expect(state.reads).toBe(6);
  });
});

describe('the SCIM tokens of two processes', () => {
  let test: TestDatabase;
  beforeAll(async () => {
    test = await createTestDatabase();
  });
  afterAll(() => test.drop());

  async function process(tenantId: string) {
    const errors: Error[] = [];
    const watch = new RequestWatch(test.database, (error) => errors.push(error));
    await watch.open();
    return { tokens: new ScimTokens(test.database, tenantId, watch), watch };
  }

  async function twoWithToken() {
    const tenantId = await test.tenant();
    const [one, other] = [await process(tenantId), await process(tenantId)];
    const { token, made } = (await one.tokens.create({ name: 'okta', days: 1 }, 'operator'))!;
    await one.tokens.noteUse(made.id);
    const close = () => Promise.all([one.watch.close(), other.watch.close()]);
    const looks = (of: typeof one) => statementsOf(test.database, () => of.tokens.find(token));
    return { one, other, token, close, looks };
  }

  it('are looked up once, and refused in both as soon as one has revoked them', async () => {
    const { one, other, token, close, looks } = await twoWithToken();
    for (const process of [one, other]) {
      expect(await looks(process)).toHaveLength(1);
      expect(await looks(process)).toEqual([]);
    }
    const revokedAt = performance.now();
    await one.tokens.revoke('okta', 'operator');
    expect(await one.tokens.find(token)).toMatchObject({ state: 'revoked' });
    while ((await other.tokens.find(token))?.state !== 'revoked') await new Promise(setImmediate);
    expect(performance.now() - revokedAt).toBeLessThan(1_900);
    await close();
  });

  it('are kept although their use is recorded again', async () => {
    const { one, token, close, looks } = await twoWithToken();
    const found = await one.tokens.find(token);
    await test.database.pool.query('UPDATE scim_token SET last_used_at = clock_timestamp()');
    await one.tokens.noteUse(found!.id);
    expect(await looks(one)).toEqual([]);
    await close();
  });

  it('are looked up each time while the connection for notifications is lost', async () => {
    const { one, close, looks } = await twoWithToken();
    await looks(one);
    await test.database.pool.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND query LIKE 'LISTEN%'`,
    );
    while (one.watch.isListening) await new Promise(setImmediate);
    expect(await looks(one)).toHaveLength(1);
    expect(await looks(one)).toHaveLength(1);
    await close();
  });
});
