import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { Api, type Answer, type Credentials } from '../access/api.harness.ts';

/** Whatever a client sends, the response is never a server fault. */
let api: Api;
let machine: Credentials;
let browser: Credentials;
let known: { identityId: string; requestId: string };

beforeAll(async () => {
  api = await Api.start();
  machine = await api.machine();
  known = await api.admit();
  browser = await api.session(known.identityId);
});
afterAll(() => api.stop());

const place = '/v1/provisioning-requests';
const runs = { numRuns: 250 };

const odd = fc.constantFrom(
  ...[
    '\0',
    '\ud800',
    '\udfff',
    '__proto__',
    'constructor',
    'toString',
    '',
    ' ',
    '%',
    '%00',
    '%ff',
    '../..',
    "';--",
    '\r\n',
    '\u2028',
  ],
  ...['9'.repeat(30), '-1', '1e309', 'NaN', 'null', 'true', '[]', '{}', 'ﬃ', '😀', 'x'.repeat(5_000)],
);
const anyText = fc.oneof(odd, fc.string({ unit: 'binary', maxLength: 40 }), fc.string({ maxLength: 40 }));
const anyValue = fc.oneof(
  anyText,
  fc.jsonValue(),
  fc.constantFrom<unknown>(Number.MAX_VALUE, -0, 1e308, 2 ** 63, null, [[[[[[]]]]]], { a: { b: { c: {} } } }),
);

/** Refusals are problem documents with a code, and no response has a 5xx status. */
function expectRefusalOrAnswer({ status, body, headers }: Answer): void {
  expect([status, status < 500 ? '' : JSON.stringify(body)]).toEqual([status, '']);
  if (status < 400) return;
  expect(headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  expect([body.status, /^[a-z_]+$/.test(body.code)]).toEqual([status, true]);
  expect(JSON.stringify(body)).not.toMatch(/node_modules|\.ts:|prisma|select /i);
}

it('in a body', async () => {
  const field = fc.oneof(fc.constantFrom('issuer', 'subject', 'username', 'email', 'name'), anyText);
  const almost = fc.record(
    { subject: anyValue, username: anyValue, name: anyValue, email: anyValue, issuer: anyValue },
    { requiredKeys: ['subject', 'username', 'name'] },
  );
  const bodies = fc.oneof(
    almost.map((value) => JSON.stringify(value)),
    fc.dictionary(field, anyValue).map((value) => JSON.stringify(value)),
    fc.json(),
    anyText,
    fc.nat(20_000).map((depth) => '{"name":'.repeat(depth) + '1' + '}'.repeat(depth)),
  );
  await fc.assert(
    fc.asyncProperty(bodies, fc.boolean(), async (body, retry) => {
      const path = retry ? `${place}/${known.requestId}/retry` : place;
      expectRefusalOrAnswer(await api.call('POST', path, { as: machine, body }));
    }),
    runs,
  );
});

it("in a body's names: every accepted name can be read again", async () => {
  const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(name, name, name, async (subject, username, personName) => {
      const answer = await api.call('POST', place, {
        as: machine,
        body: { subject, username, name: personName },
      });
      expectRefusalOrAnswer(answer);
      if (answer.status >= 400) return;
      const { body } = await api.get(`/v1/identities/${answer.body.identityId}`, machine);
      expect(body).toMatchObject({ subject, username, name: personName });
    }),
    runs,
  );
});

it('in a query', async () => {
  const names = [
    ...['status', 'identityId', 'requestId', 'cursor', 'limit', 'subject', 'username', 'boxUserId'],
    ...['direction', 'result', 'from', 'to', '__proto__', 'limit[]', 'limit[a]'],
  ];
  const lists = fc.constantFrom(place, '/v1/identities', '/v1/api-calls');
  const query = fc.array(
    fc.tuple(fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...names) }, anyText), anyText),
    { maxLength: 4 },
  );
  await fc.assert(
    fc.asyncProperty(lists, query, async (path, pairs) => {
      const search = new URLSearchParams(
        pairs.map(([name, value]): [string, string] => [name, value.toWellFormed()]),
      );
      expectRefusalOrAnswer(await api.get(`${path}?${search.toString()}`, machine));
    }),
    runs,
  );
});

it('in a time', async () => {
  const two = (max: number) => fc.nat(max).map((n) => String(n).padStart(2, '0'));
  const times = fc
    .tuple(
      fc.nat(9999),
      two(13),
      two(32),
      two(24),
      two(60),
      fc.constantFrom('Z', '+00:00', '-23:59', '+14:00', ''),
    )
    .map(([y, m, d, h, min, zone]) => `${String(y).padStart(4, '0')}-${m}-${d}T${h}:${min}:00${zone}`);
  await fc.assert(
    fc.asyncProperty(times, fc.constantFrom('from', 'to'), async (time, name) => {
      expectRefusalOrAnswer(await api.get(`/v1/api-calls?${name}=${encodeURIComponent(time)}`, machine));
    }),
    runs,
  );
});

it('in a cursor', async () => {
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value) ?? '').toString('base64url');
  const when = fc.oneof(fc.constantFrom('0000-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z'), anyText);
  const id = fc.oneof(
    fc.constantFrom(
      '0',
      '9'.repeat(19),
      '9223372036854775808',
      known.requestId,
      '-'.repeat(36),
      'f'.repeat(36),
    ),
    fc.uuid(),
    anyText,
  );
  const cursors = fc.oneof(
    fc.tuple(when, id).map(encode),
    fc.jsonValue().map(encode),
    fc.base64String(),
    anyText,
  );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(place, '/v1/identities', '/v1/api-calls'),
      cursors,
      async (path, cursor) => {
        expectRefusalOrAnswer(
          await api.get(`${path}?cursor=${encodeURIComponent(cursor.toWellFormed())}`, machine),
        );
      },
    ),
    runs,
  );
});

/** Sends raw bytes without a client library. Returns the status, or 0 when the connection just ended. */
async function raw(lines: readonly string[], body = ''): Promise<{ status: number; text: string }> {
  const { hostname, port } = new URL(api.url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  socket.end(Buffer.from([...lines, 'Connection: close', '', body].join('\r\n'), 'latin1'));
  const answer = await text(socket).catch(() => '');
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0), text: answer };
}

it('in an address', async () => {
  const part = fc.oneof(
    anyText.map((value) => encodeURIComponent(value.toWellFormed())),
    fc.string({ maxLength: 30 }).map((value) => value.replaceAll(/\s/g, '')),
    fc.constantFrom('%', '%zz', '%c0%80', '%ed%a0%80', '..', '.', '//', ';', '\\'),
  );
  const paths = fc
    .tuple(
      fc.constantFrom(place, '/v1/identities', '/v1', ''),
      part,
      fc.constantFrom('', '/retry', '/', '?', '#'),
    )
    .map((parts) => parts.join('/'));
  await fc.assert(
    fc.asyncProperty(
      paths,
      fc.constantFrom('GET', 'POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'),
      async (path, method) => {
        const answer = await raw([
          `${method} ${path} HTTP/1.1`,
          'Host: a',
          `Authorization: Bearer ${machine.token}`,
        ]);
        expect([path, answer.status < 500 ? '' : answer.text]).toEqual([path, '']);
      },
    ),
    runs,
  );
});

it('in a header', async () => {
  const names = [
    'If-None-Match',
    'Prefer',
    'Idempotency-Key',
    'Authorization',
    'Cookie',
    'Accept',
    'Content-Type',
    'Content-Length',
    'X-Forwarded-For',
    'Transfer-Encoding',
    'Content-Encoding',
  ];
  const value = fc.oneof(
    fc.string({
      unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)),
      maxLength: 60,
    }),
    fc.constantFrom(
      '"0"',
      '*',
      'wait=0',
      'wait=0,wait=0',
      'chunked',
      'gzip',
      'application/json; charset=utf-7',
      '99999999',
      '-1',
      'foyer=s%3Aabc.def',
      'a'.repeat(9_000),
    ),
  );
  const methods = fc.constantFrom(`GET ${place}/`, `POST ${place}`);
  await fc.assert(
    fc.asyncProperty(
      methods,
      fc.array(fc.tuple(fc.constantFrom(...names), value), { maxLength: 3 }),
      async (method, headers) => {
        const path = method.endsWith('/') ? `${method}${known.requestId}` : method;
        const cookie = browser.cookie ?? '';
        const as = headers.length % 2 === 0 ? `Authorization: Bearer ${machine.token}` : `Cookie: ${cookie}`;
        const lines = headers.map(([name, text]) => `${name}: ${text}`);
        const answer = await raw([`${path} HTTP/1.1`, 'Host: a', as, ...lines], '{}');
        expect([lines, answer.status < 500 ? '' : answer.text]).toEqual([lines, '']);
      },
    ),
    runs,
  );
});

it('while the database is unavailable: 503 with Retry-After, and the work continues afterwards', async () => {
  // No client has asked for this request yet, so its version is not cached.
  const { requestId } = await api.admit();
  const path = `${place}/${requestId}`;
  await api.database.goAway();
  for (const answer of [
    await api.get(path, machine),
    await api.get(path, machine, { 'if-none-match': '"0"' }),
    await api.get('/v1/identities', machine),
    await api.get('/v1/api-calls', machine),
    await api.call('POST', place, { as: machine, body: { subject: 'a', username: 'a', name: 'a' } }),
  ]) {
    expect([answer.status, answer.body.code]).toEqual([503, 'unavailable']);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  }
  await api.database.comeBack();
  expect((await api.get(path, machine)).status).toBe(200);
});
