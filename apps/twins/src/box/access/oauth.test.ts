import { SignJWT } from 'jose';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { sampleConfig } from '../config.ts';
import { anyText, ccgForm, text, TwinUnderTest } from '../box.harness.ts';

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 });

let twin: TwinUnderTest;

beforeEach(async () => {
  twin = await TwinUnderTest.start({ publicKeys: [publicKey] });
});
afterEach(() => twin.close());

const token = (fields: Record<string, string>, headers?: Record<string, string>) =>
  twin.form('/oauth2/token', fields, headers);
const client = { client_id: sampleConfig.clientId, client_secret: sampleConfig.clientSecret };
const setApp = (changes: object) =>
  twin.control('PUT', 'apps', { clientId: sampleConfig.clientId, ...changes });
const me = (bearer: string) => twin.call('GET', '/2.0/users/me', { token: bearer });

describe('client credentials', () => {
  it('give a bearer token for the service account, without a refresh token', async () => {
    const { status, body } = await token(ccgForm());
    expect(status).toBe(200);
    expect(body).toEqual({
      access_token: anyText,
      expires_in: 3600,
      token_type: 'bearer',
      restricted_to: [],
    });
    expect((await me(text(body.access_token))).body.login).toMatch(/^AutomationUser_/);
  });

  it('give a token for a user of the app', async () => {
    const id = await twin.appUser(await twin.token(), 'Ada');
    expect((await me(await twin.token(id))).body.id).toBe(id);
  });

  it('give a token with the configured lifetime', async () => {
    await twin.control('PUT', 'settings', { tokenLifetimeSeconds: 90 });
    expect((await token(ccgForm())).body.expires_in).toBe(90);
  });

  it('ignore an As-User header', async () => {
    expect((await token(ccgForm(), { 'as-user': '1' })).status).toBe(200);
  });

  it.each<[string, Record<string, string>, string, string]>([
    ['a wrong secret', { client_secret: 'x' }, 'invalid_grant', 'Grant credentials are invalid'],
    ['an unknown client', { client_id: 'x' }, 'invalid_grant', 'Grant credentials are invalid'],
    ['another enterprise', { box_subject_id: '1' }, 'invalid_grant', 'Grant credentials are invalid'],
    [
      'an unknown user',
      { box_subject_type: 'user', box_subject_id: '1' },
      'invalid_grant',
      'Grant credentials are invalid',
    ],
    [
      'no known grant',
      { grant_type: 'x' },
      'invalid_request',
      'Invalid grant_type parameter or parameter missing',
    ],
    [
      'a grant for browsers',
      { grant_type: 'refresh_token' },
      'unauthorized_client',
      'The grant type is unauthorized for this client_id',
    ],
  ])('reject %s in the OAuth format', async (_what, change, error, description) => {
    const reply = await token({ ...ccgForm(), ...change });
    expect([reply.status, reply.body]).toEqual([400, { error, error_description: description }]);
  });

  it("reject user tokens where the app has them disabled, and for the service account's id", async () => {
    const description = 'Cannot obtain user token based on the enterprise configuration for your app';
    const service = text((await me(await twin.token())).body.id);
    expect((await token(ccgForm(service))).body).toEqual({
      error: 'invalid_request',
      error_description: description,
    });
    const id = await twin.appUser(await twin.token(), 'Ada');
    await setApp({ userTokens: false });
    expect((await token(ccgForm(id))).body.error_description).toBe(description);
  });

  it('reject a deactivated user, an app without approval and an app without this grant', async () => {
    const bearer = await twin.token();
    const id = await twin.appUser(bearer, 'Ada');
    await twin.call('PUT', `/2.0/users/${id}`, { token: bearer, body: { status: 'inactive' } });
    expect((await token(ccgForm(id))).body.error).toBe('invalid_grant');
    await setApp({ authorized: false });
    expect((await token(ccgForm())).body.error_description).toBe('Grant credentials are invalid');
    await setApp({ grants: ['jwt'] });
    expect((await token(ccgForm())).body.error).toBe('unauthorized_client');
  });
});

describe('a JWT assertion', () => {
  interface Parts {
    alg?: string;
    key?: typeof privateKey;
    kid?: string;
    claims?: Record<string, unknown>;
  }

  const seconds = (): number => Math.floor(Date.now() / 1000);
  const assertion = ({ alg = 'RS256', key = privateKey, kid, claims }: Parts = {}): Promise<string> =>
    new SignJWT({
      iss: sampleConfig.clientId,
      sub: sampleConfig.enterpriseId,
      box_sub_type: 'enterprise',
      aud: 'https://api.box.com/oauth2/token',
      jti: randomUUID(),
      exp: seconds() + 30,
      iat: seconds(),
      ...claims,
    })
      .setProtectedHeader({ alg, ...(kid !== undefined && { kid }) })
      .sign(key);
  const present = (jwt: string, change: Record<string, string> = {}) =>
    token({
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      ...client,
      assertion: jwt,
      ...change,
    });

  it.each(['RS256', 'RS384', 'RS512'])(
    'signed with %s is accepted, with or without a key id',
    async (alg) => {
      expect((await present(await assertion({ alg }))).body).toMatchObject({
        token_type: 'bearer',
        expires_in: 3600,
      });
      expect((await present(await assertion({ alg, kid: 'abc' }))).status).toBe(200);
    },
  );

  it('for a user gives a token of that user', async () => {
    const id = await twin.appUser(await twin.token(), 'Ada');
    const reply = await present(await assertion({ claims: { sub: id, box_sub_type: 'user' } }));
    expect((await me(text(reply.body.access_token))).body.id).toBe(id);
  });

  it('is accepted once, also when a hundred arrive at the same time', async () => {
    const jwt = await assertion();
    const replies = await Promise.all(Array.from({ length: 100 }, () => present(jwt)));
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
    expect((await present(jwt)).body).toEqual({
      error: 'invalid_grant',
      error_description: "Please check the 'jti' claim. A unique 'jti' value is required.",
    });
  });

  it.each<[string, () => Parts, string]>([
    ['another audience', () => ({ claims: { aud: twin.url } }), "Please check the 'aud' claim."],
    ['another issuer', () => ({ claims: { iss: 'x' } }), "Please check the 'iss' claim."],
    [
      'another enterprise',
      () => ({ claims: { sub: '1' } }),
      "Please check the 'sub' claim. The 'sub' specified is invalid.",
    ],
    ['no subject type', () => ({ claims: { box_sub_type: 'x' } }), "Please check the 'box_sub_type' claim."],
    [
      'a short jti',
      () => ({ claims: { jti: 'short' } }),
      "Please check the 'jti' claim. A unique 'jti' value is required.",
    ],
    [
      'an exp of 61 s',
      () => ({ claims: { exp: seconds() + 62 } }),
      "Please check the 'exp' claim. The 'exp' value exceeds the maximum value of 60 seconds beyond the issue time.",
    ],
    [
      'an old iat and an exp far from it',
      () => ({ claims: { iat: seconds() - 50 } }),
      "Please check the 'exp' claim. The 'exp' value exceeds the maximum value of 60 seconds beyond the issue time.",
    ],
    [
      'an exp with a fraction',
      () => ({ claims: { exp: seconds() + 30.5 } }),
      "Please check the 'exp' claim. Should be an integer",
    ],
    [
      'an exp that has passed',
      () => ({ claims: { exp: seconds() - 1 } }),
      "Current date/time MUST be before the expiration date/time listed in the 'exp' claim",
    ],
    [
      'an iat to come',
      () => ({ claims: { iat: seconds() + 5 } }),
      "Current date/time MUST be after or equal to the not-before date/time  listed in the 'nbf' or 'iat' claim",
    ],
    [
      'a key that is not the app’s',
      () => ({ key: stranger.privateKey }),
      "Signature verification error. The public key identified by 'kid' must correspond to the private key used for signing.",
    ],
    [
      'another algorithm',
      () => ({ alg: 'PS256' }),
      "Signature verification error. The public key identified by 'kid' must correspond to the private key used for signing.",
    ],
  ])('with %s is rejected as invalid_grant', async (_what, parts, description) => {
    const reply = await present(await assertion(parts()));
    expect([reply.status, reply.body]).toEqual([
      400,
      { error: 'invalid_grant', error_description: description },
    ]);
  });

  it('that is no JWT, or has alg none, is rejected', async () => {
    expect((await present('nonsense')).body.error).toBe('invalid_grant');
    const [, payload] = (await assertion()).split('.');
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    expect((await present(`${none}.${payload}.`)).body.error).toBe('invalid_grant');
  });

  it('is rejected with a wrong secret, and for an app that is not approved', async () => {
    const wrong = await present(await assertion(), { client_secret: 'x' });
    expect(wrong.body).toEqual({
      error: 'invalid_client',
      error_description: 'The client credentials are invalid',
    });
    await setApp({ authorized: false });
    expect((await present(await assertion())).body).toEqual({
      error: 'unauthorized_client',
      error_description: 'This app is not authorized by the enterprise admin',
    });
  });
});

describe('a token exchange', () => {
  const exchange = (bearer: string, scope: string, resource?: string) =>
    token({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: bearer,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      scope,
      ...(resource !== undefined && { resource }),
    });

  it('restricts a token to scopes and a folder, for no longer than the parent token lives', async () => {
    const id = await twin.appUser(await twin.token(), 'Ada');
    const parent = await twin.token(id);
    await twin.control('PUT', 'settings', { clockOffsetMs: 600_000 });
    const { status, body } = await exchange(
      parent,
      'base_explorer item_download',
      'https://api.box.com/2.0/folders/0',
    );
    expect(status).toBe(200);
    expect(body).toMatchObject({
      expires_in: 3000,
      token_type: 'bearer',
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      restricted_to: [
        { scope: 'base_explorer', object: { type: 'folder', id: '0' } },
        { scope: 'item_download', object: { type: 'folder', id: '0' } },
      ],
    });
    const narrow = text(body.access_token);
    expect((await twin.call('GET', '/2.0/folders/0/items', { token: narrow })).status).toBe(200);
    const folder = { name: 'New', parent: { id: '0' } };
    expect((await twin.call('POST', '/2.0/folders', { token: narrow, body: folder })).body.code).toBe(
      'insufficient_scope',
    );
    expect((await twin.call('GET', '/2.0/users', { token: narrow })).body.code).toBe('insufficient_scope');
    expect((await exchange(narrow, 'item_upload')).body.error).toBe('invalid_scope');
    await twin.form('/oauth2/revoke', { ...client, token: parent });
    expect((await me(narrow)).status).toBe(401);
  });

  it('rejects an unknown scope, an inaccessible item and an expired token', async () => {
    const bearer = await twin.token();
    expect((await exchange(bearer, 'everything')).body.error).toBe('invalid_scope');
    expect((await exchange(bearer, 'base_explorer', 'https://api.box.com/2.0/files/1')).status).toBe(400);
    expect((await exchange('nonsense', 'base_explorer')).body.error).toBe('invalid_grant');
  });
});

describe('revoking a token', () => {
  it('ends it, with 200 and an empty body', async () => {
    const bearer = await twin.token();
    const reply = await twin.form('/oauth2/revoke', { ...client, token: bearer });
    expect([reply.status, reply.text]).toEqual([200, '']);
    expect((await me(bearer)).status).toBe(401);
  });

  it("requires the client's credentials", async () => {
    const bearer = await twin.token();
    expect((await twin.form('/oauth2/revoke', { token: bearer })).body.error_description).toBe(
      'Client id was not found in the headers or body',
    );
    const wrong = await twin.form('/oauth2/revoke', { ...client, client_secret: 'x', token: bearer });
    expect(wrong.body.error).toBe('invalid_client');
    expect((await me(bearer)).status).toBe(200);
  });
});
