import { createHash } from 'node:crypto';
import { ScimHouse, type ScimAnswer } from './scim-authenticator.harness.ts';

let house: ScimHouse;
let okta: string;
beforeAll(async () => {
  house = await ScimHouse.start();
  okta = await house.token('okta');
});
afterAll(() => house.stop());

const ERROR = 'urn:ietf:params:scim:api:messages:2.0:Error';

/** The body is the SCIM envelope, without further fields. */
function expectScimError(answer: ScimAnswer, status: number, detail?: string): void {
  expect(answer.status).toBe(status);
  expect(answer.type).toBe('application/scim+json; charset=utf-8');
  expect(answer.body).toMatchObject({ schemas: [ERROR], status: String(status) });
  expect(Object.keys(answer.body).filter((key) => key !== 'scimType')).toEqual([
    'schemas',
    'status',
    'detail',
  ]);
  if (detail !== undefined) expect(answer.body.detail).toContain(detail);
  expect(answer.headers.getSetCookie()).toEqual([]);
}

const unknown = `foyer_scim_${'A'.repeat(43)}`;

describe('a caller without a valid token', () => {
  it.each([
    ['GET', '/scim/v2'],
    ['GET', '/scim/v2/'],
    ['GET', '/scim/v2/Users'],
    ['POST', '/scim/v2/Users'],
    ['PUT', '/scim/v2/Users/1'],
    ['PATCH', '/scim/v2/Groups/1'],
    ['DELETE', '/scim/v2/Groups/1'],
    ['OPTIONS', '/scim/v2/Users'],
    ['GET', '/scim/v2/nowhere'],
    ['GET', '/SCIM/V2/who'],
    ['GET', '/scim/v2/who'],
    ['GET', '/t/default/scim/v2/Users'],
    ['GET', '/T/default/Scim/v2/Users'],
    ['GET', '/t/other/scim/v2/Users'],
  ])('may not %s %s', async (method, path) => {
    const none = await house.ask(path, { method });
    expectScimError(none, 401, 'Authorization header');
    expect(none.headers.get('www-authenticate')).toBe('Bearer realm="foyer-scim"');
    const wrong = await house.ask(path, { method, authorization: `Bearer ${unknown}`, from: '192.0.2.99' });
    expectScimError(wrong, 401, 'is not known');
    expect(wrong.headers.get('www-authenticate')).toBe(
      'Bearer realm="foyer-scim", error="invalid_token", error_description="The token is not known."',
    );
  });

  it.each([
    ['a password', 'Basic b2t0YTpzZWNyZXQ='],
    ['no token', 'Bearer'],
    ['an empty token', 'Bearer '],
    ['two tokens', 'Bearer a b'],
    ['two in one header', 'Bearer a, Bearer b'],
    ['another scheme', 'Token abc'],
    ['no scheme', unknown],
    ['a quote', 'Bearer "abc"'],
    ['nothing', ''],
    ['8 KiB', `Bearer ${'x'.repeat(8_192)}`],
  ])('with %s is refused', async (_what, authorization) => {
    expectScimError(await house.ask('/scim/v2/who', { authorization, from: '192.0.2.98' }), 401);
  });

  it('is refused before any of the body is read', async () => {
    const headers = { 'content-type': 'application/scim+json' };
    for (const body of ['{"a":', JSON.stringify({ a: 'x'.repeat(70_000) })])
      expectScimError(await house.ask('/scim/v2/Users', { method: 'POST', headers, body }), 401);
  });

  it("is not authenticated by a session's cookie", async () => {
    const { identityId } = await house.api.admit();
    const { cookie = '' } = await house.api.session(identityId);
    expect((await house.ask('/v1/me', { headers: { cookie } })).status).toBe(200);
    expectScimError(await house.ask('/scim/v2/who', { headers: { cookie } }), 401);
  });

  it('cannot find out which tenants exist', async () => {
    const [ours, others] = [
      await house.ask('/t/default/scim/v2/Users'),
      await house.ask('/t/other/scim/v2/Users'),
    ];
    expect(ours.body).toEqual(others.body);
  });
});

/** The first answer that is not 200: the gateway learns of a change by a notification. */
async function refusalOf(token: string): Promise<ScimAnswer> {
  for (;;) {
    const answer = await house.as(token);
    if (answer.status !== 200) return answer;
  }
}

describe('a SCIM token', () => {
  it('authenticates its client, under its name', async () => {
    const { status, body, headers } = await house.as(okta);
    expect([status, body]).toEqual([200, { actor: 'scim-token:okta' }]);
    expect(headers.get('cache-control')).toBe('private, no-store');
    expect(headers.get('vary')).toContain('Authorization');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toContain(`default-src 'none'`);
    expect(headers.getSetCookie()).toEqual([]);
  });

  it('is accepted with its scheme in any case', async () => {
    for (const scheme of ['bearer', 'BEARER', 'Bearer '])
      expect((await house.ask('/scim/v2/who', { authorization: `${scheme} ${okta}` })).status).toBe(200);
  });

  it.each(['/scim/v2', '/scim/v2/nowhere', '/t/default/scim/v2/nowhere', '/SCIM/v2/nowhere'])(
    'gets 404 at %s, in the SCIM error envelope',
    async (path) => {
      expectScimError(await house.as(okta, path), 404);
    },
  );

  it.each(['POST', 'PUT', 'PATCH', 'DELETE'])(
    'is enough to %s: no session and no form token are needed',
    async (method) => {
      const { identityId } = await house.api.admit();
      const { cookie = '' } = await house.api.session(identityId);
      for (const headers of [undefined, { cookie }]) {
        const type = { 'content-type': 'application/scim+json; charset=utf-8' };
        const authorization = `Bearer ${okta}`;
        const given = { method, authorization, headers: { ...headers, ...type }, body: '{}' };
        expectScimError(await house.ask('/scim/v2/nowhere', given), 404);
      }
    },
  );

  it.each(['other', 'DEFAULT', 'default%20', '%64efault2', '__proto__'])(
    'is refused at the tenant %s',
    async (tenant) => {
      expectScimError(await house.as(okta, `/t/${tenant}/scim/v2/Users`), 404, 'does not serve this tenant');
    },
  );

  it('is refused when the tenant cannot be read', async () => {
    expectScimError(await house.as(okta, '/t/%E0%A4%A/scim/v2/Users'), 400);
  });

  it.each(['access_token', 'token', 'authorization'])('is ignored in the query as %s', async (name) => {
    expectScimError(await house.ask(`/scim/v2/who?${name}=${okta}`), 401);
  });

  it('is refused when it is sent twice or beside another', async () => {
    for (const second of [`Bearer ${okta}`, 'Basic b2t0YTpzZWNyZXQ=', ''])
      for (const authorization of [
        [`Bearer ${okta}`, second],
        [second, `Bearer ${okta}`],
      ])
        expectScimError(await house.ask('/scim/v2/who', { authorization }), 401);
  });

  it('gives no access to the rest of the API', async () => {
    expect((await house.as(okta, '/v1/identities')).status).toBe(401);
  });

  it.each([
    ['malformed JSON', '{"a":', 'application/scim+json', 400],
    ['a number', '1', 'application/scim+json', 400],
    ['10 MB', JSON.stringify({ a: 'x'.repeat(10_000_000) }), 'application/scim+json', 413],
    ['a form', 'a=1', 'application/x-www-form-urlencoded', 415],
    ['another charset', '{}', 'application/scim+json; charset=koi8-r', 415],
  ])('with a body of %s is answered in the SCIM error envelope', async (_what, body, type, status) => {
    const answer = await house.ask('/scim/v2/Users', {
      method: 'POST',
      authorization: `Bearer ${okta}`,
      headers: { 'content-type': type },
      body,
    });
    expectScimError(answer, status);
    expect(answer.body.scimType).toBe(status === 400 ? 'invalidSyntax' : undefined);
  });

  it('is valid beside another token, until it is revoked; then it is refused at once', async () => {
    const [old, young] = [await house.token('hr-1'), await house.token('hr-2')];
    expect((await house.as(old)).body).toEqual({ actor: 'scim-token:hr-1' });
    expect((await house.as(young)).body).toEqual({ actor: 'scim-token:hr-2' });
    await house.api.context.tenant.scimTokens.revoke('hr-1', 'operator');
    const refused = await house.as(old);
    expectScimError(refused, 401, 'The token was revoked.');
    expect(refused.headers.get('www-authenticate')).toContain('error="invalid_token"');
    expect((await house.as(young)).status).toBe(200);
  });

  it("expires by the database's clock", async () => {
    const token = await house.token('short', 1);
    await house.api.sql(
      `UPDATE scim_token SET expires_at = clock_timestamp() + interval '1 hour' WHERE name = 'short'`,
    );
    expect((await house.as(token)).status).toBe(200);
    await house.api.sql(`UPDATE scim_token SET expires_at = clock_timestamp() WHERE name = 'short'`);
    expectScimError(await refusalOf(token), 401, 'The token has expired.');
  });

  it('of another tenant is refused', async () => {
    const token = await house.token('foreign');
    await house.api.sql(
      `WITH t AS (INSERT INTO tenant (slug) VALUES ('foreign') RETURNING id)
       UPDATE scim_token SET tenant_id = t.id FROM t WHERE name = 'foreign'`,
    );
    for (const path of ['/scim/v2/who', '/t/foreign/scim/v2/Users'])
      expectScimError(await house.as(token, path), 401, 'is not known');
  });

  it('has its last use recorded', async () => {
    const token = await house.token('used');
    expect((await house.as(token)).status).toBe(200);
    for (;;) {
      const [row] = await house.api.sql(
        `SELECT last_used_at > clock_timestamp() - interval '1 minute' AS lately FROM scim_token WHERE name = 'used'`,
      );
      if (row?.lately === true) break;
    }
  });
});

describe('an access token of Okta', () => {
  it('with the scope authenticates its client, under its id', async () => {
    const { status, body } = await house.as(await house.api.keys.token(['foyer.scim'], '0oa-hr'));
    expect([status, body]).toEqual([200, { actor: '0oa-hr' }]);
  });

  it('without the scope is refused with that reason', async () => {
    const scopes = ['foyer.read', 'foyer.write', 'foyer.audit', 'foyer', 'FOYER.SCIM'];
    const answer = await house.as(await house.api.keys.token(scopes));
    expectScimError(answer, 403, 'foyer.scim');
    expect(answer.headers.get('www-authenticate')).toBe(
      'Bearer realm="foyer-scim", error="insufficient_scope", scope="foyer.scim"',
    );
  });

  it('that has expired, or is for another API, is refused', async () => {
    const { keys } = house.api;
    for (const spoil of [{ exp: 1 }, { aud: 'api://other' }, { uid: '00u1example' }]) {
      const token = await keys.sign({ ...keys.claims(['foyer.scim']), ...spoil });
      expectScimError(await house.as(token, '/scim/v2/who', '192.0.2.97'), 401);
    }
  });

  it('is refused at another tenant', async () => {
    const token = await house.api.keys.token(['foyer.scim']);
    expectScimError(await house.as(token, '/t/other/scim/v2/Users'), 404, 'does not serve this tenant');
  });
});

describe('guessing tokens', () => {
  const guess = (at: number) => `foyer_scim_${String(at).padStart(43, '0')}`;

  it('is stopped after twenty attempts a minute per address, and valid tokens from there still work', async () => {
    const from = '192.0.2.50';
    for (let at = 0; at < 20; at++)
      expectScimError(await house.as(at % 2 ? guess(at) : `${guess(at)}x`, '/scim/v2/who', from), 401);
    const refused = await house.as(guess(20), '/scim/v2/who', from);
    expectScimError(refused, 429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(60);
    expect((await house.as(okta, '/scim/v2/who', from)).status).toBe(200);
    const machine = await house.api.keys.token(['foyer.scim']);
    expect((await house.as(machine, '/scim/v2/who', from)).status).toBe(200);
    expectScimError(await house.as(guess(21), '/scim/v2/who', from), 429);
    expectScimError(await house.as('a.b.c', '/scim/v2/who', from), 429);
    expectScimError(await house.as(guess(22), '/scim/v2/who', '192.0.2.51'), 401);
  });

  it('gains nothing from concurrent attempts', async () => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, at) => house.as(guess(at), '/scim/v2/who', '192.0.2.53')),
    );
    const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b);
    expect(statuses).toEqual([...Array<number>(20).fill(401), ...Array<number>(20).fill(429)]);
  });

  it('does not count requests without a token, or with one that was valid before', async () => {
    const from = '192.0.2.52';
    const token = await house.token('gone');
    await house.api.context.tenant.scimTokens.revoke('gone', 'operator');
    for (let at = 0; at < 25; at++) {
      expectScimError(await house.ask('/scim/v2/who', { from }), 401);
      expectScimError(await house.as(token, '/scim/v2/who', from), 401);
    }
    expectScimError(await house.as(guess(0), '/scim/v2/who', from), 401);
  });
});

describe('SCIM access during an outage', () => {
  it('answers an access token whose key Okta does not return with an error that may be retried', async () => {
    const { keys } = house.api;
    await house.as(await keys.token(['foyer.scim']));
    await keys.rotate();
    keys.down = true;
    const token = await keys.token(['foyer.scim']);
    try {
      const answer = await house.as(token);
      expectScimError(answer, 503);
      expect(answer.headers.get('retry-after')).toBe('1');
      expect((await house.as(okta)).status).toBe(200);
    } finally {
      keys.down = false;
    }
  });

  it('reports a database that does not answer, and works again afterwards', async () => {
    // A token that was used lately is known for a moment without the database.
    const unused = await house.token('unused');
    await house.api.database.goAway();
    try {
      for (const token of [unused, unknown]) {
        const answer = await house.as(token, '/scim/v2/who', '192.0.2.60');
        expectScimError(answer, 503);
        expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
        expect(JSON.stringify(answer.body)).not.toMatch(/ECONN|postgres/i);
      }
      expectScimError(await house.ask('/scim/v2/who'), 401);
    } finally {
      await house.api.database.comeBack();
    }
    expect((await house.as(okta)).status).toBe(200);
  });
});

describe('the log after all of these tests', () => {
  it('contains no token and no hash of one, and the database contains no token', async () => {
    const { logged, api } = house;
    expect(logged.length).toBeGreaterThan(100);
    const secrets = [okta, unknown].map((token) => token.slice('foyer_scim_'.length));
    const hashes = [okta, unknown].flatMap((token) => {
      const hash = createHash('sha256').update(token);
      return [hash.copy().digest('hex'), hash.copy().digest('base64'), hash.copy().digest('base64url')];
    });
    for (const secret of [...secrets, ...hashes])
      expect(logged.filter((line) => line.includes(secret))).toEqual([]);
    expect(logged.filter((line) => /foyer_scim_|bearer [^,]|basic /i.test(line))).toEqual([]);
    const tables = await api.sql(`SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`);
    for (const { name } of tables) {
      const rows = await api.sql(`SELECT 1 FROM "${name as string}" t WHERE t::text LIKE '%' || $1 || '%'`, [
        secrets[0],
      ]);
      expect([name, rows.length]).toEqual([name, 0]);
    }
  });
});
