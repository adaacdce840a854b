import { connect } from 'node:net';
import { sampleConfig } from '../config.ts';
import { anyText, rows, text, TwinUnderTest } from '../box.harness.ts';

let twin: TwinUnderTest;
let token: string;

beforeEach(async () => {
  twin = await TwinUnderTest.start();
  token = await twin.token();
});
afterEach(() => twin.close());

const me = (options: Parameters<TwinUnderTest['call']>[2]) => twin.call('GET', '/2.0/users/me', options);

/** The raw response, whose header names fetch would change. */
function rawGet(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(twin.url);
    let received = '';
    const socket = connect(Number(port), hostname, () => {
      socket.write(
        `GET ${path} HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`,
      );
    });
    socket.on('data', (chunk) => (received += chunk.toString()));
    socket.on('end', () => resolve(received));
    socket.on('error', reject);
  });
}

describe('a response of the Box twin', () => {
  it('has all its header names in lower case, with a request id and no caching', async () => {
    const head = (await rawGet('/2.0/users/me')).split('\r\n\r\n')[0] ?? '';
    const names = head
      .split('\r\n')
      .slice(1)
      .map((line) => line.split(':')[0]);
    expect(names).toEqual(names.map((name) => name?.toLowerCase()));
    expect(names).toEqual(expect.arrayContaining(['box-request-id', 'date', 'content-type', 'connection']));
    expect(head).toContain('\r\ncache-control: no-cache, no-store');
  });

  it('that refuses a call has the ClientError envelope with the same request id', async () => {
    const { body, headers } = await twin.call('GET', '/2.0/users/1', { token });
    expect(body).toEqual({
      type: 'error',
      status: 404,
      code: 'not_found',
      message: 'Not Found',
      context_info: { errors: [{ reason: 'invalid_parameter', name: 'user', message: anyText }] },
      help_url: 'http://developers.box.com/docs/#errors',
      request_id: headers.get('box-request-id'),
    });
  });

  it('is 405 for a method that an address does not support, and 404 for an unknown address', async () => {
    const wrong = await twin.call('PATCH', '/2.0/users/me', { token });
    expect([wrong.status, wrong.body.code]).toEqual([405, 'method_not_allowed']);
    expect((await twin.call('GET', '/2.0/nothing', { token })).status).toBe(404);
    expect((await twin.call('GET', '/oauth2/token')).status).toBe(405);
  });

  it('is 413 for a body over 1 MiB', async () => {
    const reply = await twin.call('POST', '/2.0/users', { token, body: { name: 'x'.repeat(1_100_000) } });
    expect(reply.status).toBe(413);
  });
});

describe('the bearer token', () => {
  const challenge =
    'Bearer realm="Service", error="invalid_token", error_description="The access token provided is invalid."';

  it('is required: without one the response is 401 with the challenge', async () => {
    const reply = await me({});
    expect([reply.status, reply.text, reply.headers.get('www-authenticate')]).toEqual([
      401,
      '',
      'Bearer realm="Service"',
    ]);
  });

  it('that is empty gives 400 and an empty body', async () => {
    const reply = await me({ headers: { authorization: 'Bearer ' } });
    expect([reply.status, reply.text]).toEqual([400, '']);
  });

  it('that is unknown gives 401 with the challenge, in an envelope when so configured', async () => {
    const reply = await me({ token: 'nonsense' });
    expect([reply.status, reply.text, reply.headers.get('www-authenticate')]).toEqual([401, '', challenge]);
    await twin.control('PUT', 'settings', { unauthorizedBody: 'envelope' });
    expect((await me({ token: 'nonsense' })).body).toMatchObject({ status: 401, code: 'unauthorized' });
  });

  it('expires after its lifetime', async () => {
    await twin.control('PUT', 'settings', { clockOffsetMs: 3_599_000 });
    expect((await me({ token })).status).toBe(200);
    await twin.control('PUT', 'settings', { clockOffsetMs: 3_601_000 });
    const reply = await me({ token });
    expect([reply.status, reply.headers.get('www-authenticate')]).toEqual([401, challenge]);
  });
});

describe('As-User', () => {
  const denied = [403, 'access_denied_insufficient_permissions'];

  it('acts as an app user of the app', async () => {
    const id = await twin.appUser(token, 'Ada');
    expect((await me({ token, asUser: id })).body).toMatchObject({ id, name: 'Ada' });
  });

  it("is rejected for the service account's own id, an unknown user, and a user of another app", async () => {
    const own = text((await me({ token })).body.id);
    const other = { clientId: 'other', clientSecret: 'other-secret' };
    await twin.control('PUT', 'apps', other);
    const foreign = await twin.appUser(await twin.token(undefined, other), 'Eve');
    for (const asUser of [own, '12345', foreign, '']) {
      const reply = await me({ token, asUser });
      expect([reply.status, reply.body.code]).toEqual(denied);
    }
  });

  it("is rejected with an app user's own token, and where the app has it disabled", async () => {
    const ada = await twin.appUser(token, 'Ada');
    const bob = await twin.appUser(token, 'Bob');
    const reply = await me({ token: await twin.token(ada), asUser: bob });
    expect([reply.status, reply.body.code]).toEqual(denied);
    await twin.control('PUT', 'apps', { clientId: sampleConfig.clientId, asUser: false });
    expect((await me({ token, asUser: bob })).status).toBe(403);
  });

  it("is 401 for a deactivated user, and so is that user's own token", async () => {
    const id = await twin.appUser(token, 'Ada');
    const own = await twin.token(id);
    await twin.call('PUT', `/2.0/users/${id}`, { token, body: { status: 'inactive' } });
    for (const reply of [await me({ token, asUser: id }), await me({ token: own })]) {
      expect(reply.body).toMatchObject({
        status: 401,
        code: 'unauthorized',
        message: 'Unauthorized - User has been deactivated',
      });
    }
    await twin.call('PUT', `/2.0/users/${id}`, { token, body: { status: 'active' } });
    expect((await me({ token, asUser: id })).status).toBe(200);
  });
});

describe('the rate limit', () => {
  it('counts each user separately, answers 429 with the wait, and refills', async () => {
    const id = await twin.appUser(token, 'Ada');
    const own = await twin.token(id);
    await twin.control('PUT', 'settings', { rateLimitPerMinute: 3, clockOffsetMs: 120_000 });
    const statuses = [];
    for (let at = 0; at < 4; at += 1) statuses.push((await me({ token })).status);
    expect(statuses).toEqual([200, 200, 200, 429]);

    const limited = await me({ token, asUser: id });
    expect(limited.body).toMatchObject({ code: 'rate_limit_exceeded', status: 429 });
    expect(limited.body.message).toBe('Request rate limit exceeded, please try again later');
    const wait = Number(limited.headers.get('retry-after'));
    expect(wait).toBeGreaterThan(50);
    expect(wait).toBeLessThanOrEqual(60);
    expect((await me({ token: own })).status).toBe(200);
    expect((await twin.form('/oauth2/token', {})).status).toBe(400);

    await twin.control('PUT', 'settings', { clockOffsetMs: 120_000 + wait * 1000 });
    expect((await me({ token })).status).toBe(200);
  });

  it('starts at 1000 calls a minute, as configured', async () => {
    const replies = await Promise.all(Array.from({ length: 1005 }, () => me({ token })));
    expect(replies.filter(({ status }) => status === 429)).toHaveLength(5);
    expect(
      rows((await twin.control('GET', 'calls')).body.calls).filter(({ status }) => status === 429),
    ).toHaveLength(5);
  });
});
