import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { headingOf } from '../testing/browser.harness.ts';
import { startGateway, type TestGateway } from '../testing/gateway.harness.ts';

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(async () => {
  await gateway.close();
});
beforeEach(async () => {
  await gateway.okta.control('POST', 'reset');
  await gateway.okta.control('DELETE', 'faults');
});

interface Line {
  direction: string;
  operation: string;
  result: string;
  error: string | null;
}

/** The lines of the audit log since `after`. */
const linesSince = (after: string) =>
  gateway.database.query<Line>(
    `SELECT c.direction, c.operation, o.result, o.error FROM api_call c JOIN api_call_outcome o ON o.call_id = c.id
     WHERE c.id > $1 AND c.system = 'okta' ORDER BY c.id`,
    [after],
  );

const newestLine = async (): Promise<string> => {
  const [row] = await gateway.database.query<{ id: string }>(
    'SELECT coalesce(max(id), 0)::text AS id FROM api_call',
  );
  return row?.id ?? '0';
};

const count = async (table: string): Promise<number> =>
  (await gateway.database.query<{ count: number }>(`SELECT count(*)::int AS count FROM ${table}`))[0]
    ?.count ?? -1;

const swapped = { kind: 'swappedAccessToken' };

describe.each([
  ['another nonce', [{ kind: 'wrongNonce' }]],
  ['a signature of another key', [{ kind: 'badSignature' }]],
  ['alg none', [{ kind: 'algNone' }]],
  ['another audience', [{ kind: 'wrongAudience' }]],
  ['another issuer', [{ kind: 'wrongIssuer' }]],
  ['a time that is over', [{ kind: 'expired' }]],
  ['a time to come', [{ kind: 'futureIat' }]],
  ['no subject', [{ kind: 'missingSub' }]],
  ['another authorized party', [{ kind: 'wrongAzp' }]],
  ['several audiences and no authorized party', [{ kind: 'multiAudience' }]],
  ['another person’s access token', [swapped]],
  ['another person’s access token, and nothing to tell by', [{ ...swapped, atHash: 'missing' }]],
  ['an answer that names another issuer (RFC 9207)', [{ kind: 'wrongIssInResponse' }]],
])('an ID token or answer with %s', (_, faults) => {
  test('is refused: a page, no session, one line in the audit log, and no identity', async () => {
    for (const fault of faults) await gateway.okta.control('POST', 'faults', fault);
    const before = {
      line: await newestLine(),
      sessions: await count('session'),
      identities: await count('identity'),
    };
    const browser = gateway.browser();
    const page = await browser.signIn('ada@example.com');
    expect([page.status, headingOf(page)]).toEqual([401, 'The sign-in could not be verified']);
    expect(page.text).not.toMatch(/nonce|signature|audience|issuer|JW[ST]/i);
    expect(await browser.cookies('foyer')).toEqual([]);
    expect(await count('session')).toBe(before.sessions);
    expect(await count('identity')).toBe(before.identities);
    const incoming = (await linesSince(before.line)).filter(({ direction }) => direction === 'in');
    expect(incoming).toEqual([
      { direction: 'in', operation: 'sign_in', result: 'refused', error: 'sign_in_failed' },
    ]);
  });
});

test('refuses userinfo with another subject', async () => {
  await gateway.okta.control('POST', 'people', { login: 'nameless@example.com', name: null });
  await gateway.okta.control('POST', 'faults', { kind: 'userinfoOtherSub' });
  const page = await gateway.browser().signIn('nameless@example.com');
  expect(headingOf(page)).toBe('The sign-in could not be verified');
});

test('accepts an answer that names our issuer (RFC 9207)', async () => {
  await gateway.okta.control('POST', 'faults', { kind: 'issInResponse' });
  expect((await gateway.browser().signIn('ada@example.com')).status).toBe(200);
});

test('accepts new signing keys at once, also directly after other new keys', async () => {
  await gateway.browser().signIn('ada@example.com');
  await gateway.okta.control('POST', 'rotate-keys', {});
  expect((await gateway.browser().signIn('ada@example.com')).status).toBe(200);
  await gateway.okta.control('DELETE', 'calls');
  await gateway.okta.control('POST', 'rotate-keys', { keepOld: false });
  expect((await gateway.browser().signIn('ada@example.com')).status).toBe(200);
  const { counts } = await gateway.okta.control<{ counts: Record<string, number> }>('GET', 'calls');
  expect(counts.keys).toBe(1);
});

test('accepts a token of a person whose ID token is thin', async () => {
  // The tests above rotated the keys and used up this minute's fetches, so this test needs its own gateway.
  const fresh = await startGateway();
  try {
    await fresh.okta.control('PUT', 'settings', { thinIdToken: true });
    expect(headingOf(await fresh.browser().signIn('ada@example.com'))).toBe('New user created: Ada Example');
  } finally {
    await fresh.close();
  }
});
