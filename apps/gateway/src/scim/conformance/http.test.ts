import { USER, type ScimReply } from '../scim.harness.ts';
import { client, expectError, fresh, hired } from './conformance.harness.ts';

const house = client();

describe('RFC 7644, section 3.2: endpoints and methods', () => {
  const me = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].map((method) => [method, '/Me', 501] as const);
  it.each(me)('%s %s is %s', async (method, path, status) => {
    expectError(await house.scim.send(method, path, method === 'GET' ? undefined : {}), status);
  });

  it.each([
    ['PUT', '/Users', 'GET, POST'],
    ['PATCH', '/Users', 'GET, POST'],
    ['DELETE', '/Groups', 'GET, POST'],
    ['POST', '/Users/x', 'GET, PUT, PATCH, DELETE'],
    ['GET', '/Bulk', 'POST'],
    ['DELETE', '/Bulk', 'POST'],
    ['GET', '/.search', 'POST'],
    ['GET', '/Users/.search', 'POST'],
    ['PUT', '/Groups/.search', 'POST'],
    ['POST', '/ServiceProviderConfig', 'GET'],
    ['PUT', '/Schemas', 'GET'],
    ['DELETE', `/Schemas/${USER}`, 'GET'],
    ['PATCH', '/ResourceTypes/User', 'GET'],
  ])('%s %s is an unsupported method: %s', async (method, path, allow) => {
    const answer = await house.scim.send(method, path, method === 'GET' ? undefined : {});
    expectError(answer, 405);
    expect(answer.headers.get('allow')).toBe(allow);
  });

  it('OPTIONS lists the methods', async () => {
    const answer = await house.scim.send('OPTIONS', '/Users');
    expect([answer.status, answer.headers.get('allow')]).toEqual([204, 'GET, POST']);
  });

  it('HEAD is GET without its body', async () => {
    const user = await hired(house.scim);
    const [head, get] = [
      await house.scim.send('HEAD', `/Users/${user.id}`),
      await house.scim.get(`/Users/${user.id}`),
    ];
    expect(head.status).toBe(200);
    for (const name of ['etag', 'content-type', 'location', 'content-length'])
      expect([name, head.headers.get(name)]).toEqual([name, get.headers.get(name)]);
    expect(head.body).toEqual({});
  });

  it.each(['/Printers', '/Users/a/b', '/', '/Users%2Fx'])('%s does not exist', async (path) => {
    expectError(await house.scim.get(path), 404);
  });

  it('the case of a name, and a slash at the end, do not matter', async () => {
    const user = await hired(house.scim);
    for (const path of [`/users/${user.id}`, `/Users/${user.id}/`])
      expect((await house.scim.get(path)).body).toEqual(user);
    expect((await house.scim.get('/serviceproviderconfig/')).status).toBe(200);
  });
});

describe('RFC 7644, sections 2 and 3.12: callers who are refused', () => {
  it.each([
    ['no token', [], 'Bearer realm="foyer-scim"'],
    ['a wrong token', ['Bearer wrong'], 'error="invalid_token"'],
    ['another scheme', ['Basic YTpi'], 'Bearer'],
  ])('%s: 401 with a challenge, in the envelope', async (_what, authorization, challenge) => {
    const answer = await house.scim.house.ask('/scim/v2/Users', { authorization, from: '192.0.2.77' });
    expectError(answer as unknown as ScimReply, 401);
    expect(answer.headers.get('www-authenticate')).toContain(challenge);
  });
});

describe('RFC 7644, section 3.1 and 8.1: media types', () => {
  it.each([
    'application/scim+json',
    'application/json',
    'application/scim+json; charset=UTF-8',
    'application/json;charset="utf-8"',
  ])('accepts %s, and answers application/scim+json', async (type) => {
    const body = { schemas: [USER], userName: fresh() };
    const answer = await house.scim.send('POST', '/Users', body, {
      'content-type': type,
      accept: 'application/json',
    });
    expect([answer.status, answer.type]).toEqual([201, 'application/scim+json; charset=utf-8']);
  });

  it.each([
    'text/plain',
    'application/xml',
    'application/x-www-form-urlencoded',
    'application/scim+json; charset=utf-16',
  ])('refuses %s', async (type) => {
    expectError(await house.scim.send('POST', '/Users', '{}', { 'content-type': type }), 415);
  });

  it.each(['', '{', '[]', 'null', '"x"', '{"userName":}'])(
    'refuses a body that is not a JSON object: %s',
    async (body) => {
      expectError(await house.scim.send('POST', '/Users', body), 400, 'invalidSyntax');
    },
  );

  it('refuses a body that is not UTF-8 instead of storing changed text', async () => {
    const { api } = house.scim.house;
    const body = Buffer.from(JSON.stringify({ schemas: [USER], userName: 'J\xf6rg' }), 'latin1');
    const answer = await fetch(`${api.url}/scim/v2/Users`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${await house.scim.house.token('latin')}`,
        'content-type': 'application/scim+json',
      },
      body,
    });
    expect([answer.status, await answer.json()]).toMatchObject([400, { scimType: 'invalidSyntax' }]);
  });

  it('refuses a body beyond its limit', async () => {
    const { bulk } = (await house.scim.get('/ServiceProviderConfig')).body as unknown as {
      bulk: { maxPayloadSize: number };
    };
    for (const path of ['/Users', '/Groups', '/Bulk', '/.search'])
      expectError(await house.scim.send('POST', path, ' '.repeat(bulk.maxPayloadSize + 1)), 413);
  });
});
