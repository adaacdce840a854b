import { generateKeyPair, UnsecuredJWT, SignJWT, type JWTPayload } from 'jose';
import fc from 'fast-check';
import { AccessTokens, keyRules } from './access-tokens.ts';
import { ApiMetadata, Issuer } from '@foyer/platform';
import { SigningKeys } from '../okta/signing-keys.ts';
import { audience, KeyServer } from './testing.harness.ts';

let okta: KeyServer;
let clock = 0;
const now = () => Date.now() + clock;

beforeEach(async () => {
  clock = 0;
  okta = await KeyServer.start();
});
afterEach(() => okta.close());

const checker = (errors: unknown[] = []) =>
  new AccessTokens(
    new SigningKeys(
      new Issuer(ApiMetadata, { variable: 'OKTA_API_ISSUER_URI', issuer: okta.issuer, pauseMs: 1_000, now }),
      { ...keyRules, onError: (error) => errors.push(error), now },
    ),
    { issuer: okta.issuer, audience },
    now,
  );

const signed = (spoil: JWTPayload) => okta.sign({ ...okta.claims(), ...spoil });

describe('a good token', () => {
  it('gives the client and its scopes', async () => {
    const machine = await checker().verify(await okta.token(['foyer.read'], 'importer'));
    expect(machine).toEqual({ kind: 'machine', clientId: 'importer', scopes: new Set(['foyer.read']) });
  });

  it('may carry its scopes as one text', async () => {
    const machine = await checker().verify(await signed({ scp: undefined, scope: 'foyer.read foyer.audit' }));
    expect([...machine.scopes]).toEqual(['foyer.read', 'foyer.audit']);
  });

  it('may name more than one audience', async () => {
    await expect(checker().verify(await signed({ aud: ['api://other', audience] }))).resolves.toBeDefined();
  });

  it('is checked once for many uses, and again after it has expired', async () => {
    const tokens = checker();
    const token = await okta.token();
    const first = await tokens.verify(token);
    expect(await tokens.verify(token)).toBe(first);
    clock = 3_610_000;
    await expect(tokens.verify(token)).rejects.toMatchObject({
      code: 'invalid_token',
      detail: 'The token has expired.',
    });
  });

  it('stays valid while invalid tokens arrive', async () => {
    const tokens = checker();
    const token = await okta.token();
    await tokens.verify(token);
    const { privateKey } = await generateKeyPair('RS256');
    await Promise.allSettled(
      Array.from({ length: 50 }, async (_, i) =>
        tokens.verify(await okta.sign({ ...okta.claims(), jti: `${i}` }, {}, privateKey)),
      ),
    );
    await expect(tokens.verify(token)).resolves.toBeDefined();
    expect(okta.keysAsked).toBe(1);
  });
});

describe('a bad token', () => {
  const second = () => Math.floor(now() / 1000);
  const cases: Record<string, () => Promise<string>> = {
    'of another issuer': () => signed({ iss: 'https://evil.example.com' }),
    'of an issuer with an additional slash': () => signed({ iss: `${okta.issuer}/` }),
    'for another audience': () => signed({ aud: 'api://default' }),
    'for the audience in another case': () => signed({ aud: audience.toUpperCase() }),
    'without an audience': () => signed({ aud: undefined }),
    'that has expired': () => signed({ exp: second() - 10 }),
    'that never expires': () => signed({ exp: undefined }),
    'without a time of issue': () => signed({ iat: undefined }),
    'from the future': () => signed({ iat: second() + 60 }),
    'that is not valid yet': () => signed({ nbf: second() + 60 }),
    'with a time that is text': () => signed({ exp: '9999999999' as unknown as number }),
    'without a subject': () => signed({ sub: undefined }),
    'that is an ID token for the same audience': () => signed({ jti: 'ID.abc' }),
    'with a nonce, as ID tokens have': () => signed({ nonce: 'abc' }),
    'of a person': () => signed({ uid: '00u1example' }),
    'of a person at Auth0': () =>
      signed({ cid: undefined, scp: undefined, sub: 'auth0|65', azp: 'K1AU', scope: 'openid foyer.read' }),
    'of a person at Auth0, without azp': () =>
      signed({ cid: undefined, scp: undefined, sub: 'auth0|65', scope: 'openid foyer.read' }),
    'of a person at Entra ID': () =>
      signed({ cid: undefined, sub: 'pairwise', oid: 'o1', azp: 'a1b2', scp: 'foyer.read' }),
    'of an unknown kind of owner': () => signed({ cid: undefined, sub: 'reports' }),
    'of an unstorable client': () => signed({ cid: 'a\0b' }),
    'of an over-long client': () => signed({ cid: 'a'.repeat(300) }),
    'with scopes that are not text': () => signed({ scp: [1, { foyer: 'read' }] }),
    'of another type': () => okta.sign(okta.claims(), { typ: 'logout+jwt' }),
    'with a critical header': () =>
      new SignJWT(okta.claims())
        .setProtectedHeader({ alg: 'RS256', crit: ['example'], example: 1 })
        .sign(okta.privateKey, { crit: { example: true } }),
    'signed by another key': async () =>
      okta.sign(okta.claims(), {}, (await generateKeyPair('RS256')).privateKey),
    'signed by another key with an unknown id': async () =>
      okta.sign(okta.claims(), { kid: 'unknown' }, (await generateKeyPair('RS256')).privateKey),
    'signed with PS256': async () => {
      const { privateKey } = await generateKeyPair('PS256');
      return okta.sign(okta.claims(), { alg: 'PS256' }, privateKey);
    },
    'signed with HS256 by the public key': () =>
      new SignJWT(okta.claims())
        .setProtectedHeader({ alg: 'HS256', kid: okta.publicJwk.kid ?? '' })
        .sign(new TextEncoder().encode(JSON.stringify(okta.publicJwk))),
    'without a signature algorithm': async () => new UnsecuredJWT(okta.claims()).encode(),
    'that contains its own key': async () => {
      const { privateKey } = await generateKeyPair('RS256');
      return okta.sign(okta.claims(), { jwk: okta.publicJwk, kid: 'mine' }, privateKey);
    },
    'with another body': async () => {
      const [head, , signature] = (await okta.token(['foyer.read'])).split('.');
      return `${head}.${Buffer.from(JSON.stringify(okta.claims())).toString('base64url')}.${signature}`;
    },
    'without its signature': async () => (await okta.token()).replace(/[^.]*$/, ''),
    'of 20,000 characters': () => signed({ padding: 'x'.repeat(20_000) }),
    'that is empty': async () => '',
  };

  it.each(Object.entries(cases))('%s is refused', async (_name, make) => {
    await expect(checker().verify(await make())).rejects.toMatchObject({ code: 'invalid_token' });
  });

  it('with any text is refused, and never causes an internal error', async () => {
    const tokens = checker();
    const good = await okta.token();
    const part = fc.oneof(
      fc.string(),
      fc.base64String(),
      fc.json().map((json) => Buffer.from(json).toString('base64url')),
    );
    const spoiled = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(part, { maxLength: 5 }).map((parts) => parts.join('.')),
      fc
        .nat(good.length - 1)
        .map((at) => `${good.slice(0, at)}${good[at] === 'A' ? 'B' : 'A'}${good.slice(at + 1)}`),
    );
    await fc.assert(
      fc.asyncProperty(spoiled, async (token) => {
        // Long enough that the rate limit allows another fetch for each unknown key id.
        clock += 6_001;
        const verdict = await tokens.verify(token).catch((error: unknown) => error);
        // The last character of a base64url text carries bits that are ignored, so changing it may change nothing.
        if (verdict instanceof Error) expect(verdict).toMatchObject({ code: 'invalid_token' });
        else expect(token.slice(0, -1)).toBe(good.slice(0, -1));
      }),
      { numRuns: 300 },
    );
  });
});

describe('the keys', () => {
  it('are fetched once, regardless of how many calls wait for them', async () => {
    const tokens = checker();
    const many = await Promise.all(Array.from({ length: 20 }, () => okta.token()));
    await Promise.all(many.map((token) => tokens.verify(token)));
    expect(okta.asked).toEqual([
      '/oauth2/default/.well-known/openid-configuration',
      '/oauth2/default/v1/keys',
    ]);
  });

  it('are fetched again for an unknown key id, ten times a minute; after that, no token is refused permanently', async () => {
    const tokens = checker();
    await tokens.verify(await okta.token());
    const forged = async (kid: string) => tokens.verify(await okta.sign(okta.claims(), { kid }));
    for (let i = 1; i <= 10; i++) {
      await expect(forged(`made-up-${i}`)).rejects.toMatchObject({ code: 'invalid_token' });
      expect(okta.keysAsked).toBe(1 + i);
    }
    // The provider may have published its key since the last fetch.
    await expect(forged('made-up-11')).rejects.toMatchObject({ code: 'okta_unavailable' });
    expect(okta.keysAsked).toBe(11);
    clock = 6_001;
    await expect(forged('made-up-12')).rejects.toMatchObject({ code: 'invalid_token' });
  });

  it('that were rotated right after another unknown id are found at once', async () => {
    const tokens = checker();
    await tokens.verify(await okta.token());
    const forged = await okta.sign(okta.claims(), { kid: 'made-up' });
    await expect(tokens.verify(forged)).rejects.toMatchObject({ code: 'invalid_token' });
    await okta.rotate();
    await expect(tokens.verify(await okta.token())).resolves.toBeDefined();
  });

  it('are still used while Okta is unavailable', async () => {
    const tokens = checker();
    await tokens.verify(await okta.token());
    okta.down = true;
    clock = 11 * 60_000;
    await expect(tokens.verify(await okta.token())).resolves.toBeDefined();
  });

  it('that cannot be fetched are reported as unavailable, and requested once a second', async () => {
    const errors: unknown[] = [];
    const tokens = checker(errors);
    okta.down = true;
    for (let i = 0; i < 5; i++) {
      await expect(tokens.verify(await okta.token())).rejects.toMatchObject({
        code: 'okta_unavailable',
        retryAfterMs: expect.any(Number) as unknown,
      });
    }
    expect(okta.asked).toHaveLength(1);
    expect(errors).toHaveLength(1);
    okta.down = false;
    clock = 1_500;
    await expect(tokens.verify(await okta.token())).resolves.toBeDefined();
  });

  it.each([
    ['another issuer', { issuer: 'https://evil.example.com' }],
    ['no address of keys', { jwks_uri: 'file:///etc/passwd' }],
  ])('are not taken from metadata with %s', async (_name, metadata) => {
    okta.metadata = metadata;
    await expect(checker().verify(await okta.token())).rejects.toMatchObject({ code: 'okta_unavailable' });
    expect(okta.keysAsked).toBe(0);
  });
});
