import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { BatchForecast, Page, Problem, ProvisioningBatch, ProvisioningBatchStatus } from '@foyer/shared';
import { Api, oktaIssuer, type Credentials } from '../access/api.harness.ts';
import { Twin } from '@foyer/testing';

let api: Api;
let box: Twin;
let machine: Credentials;

beforeAll(async () => {
  box = await Twin.start('box', { BOX_TWIN_PORT: '0', BOX_TWIN_RATE_LIMIT: '0' });
  api = await Api.start({ box });
});
afterAll(async () => {
  await api.stop();
  await box.stop();
});
beforeEach(async () => {
  // Each test has its own client, so that idempotency keys and actors do not collide.
  machine = { token: await api.keys.token(undefined, `client-${randomUUID()}`) };
});

const place = '/v1/provisioning-batches';
const jsonLines = 'application/x-ndjson';
const person = (subject: string, name = 'Ada Example') => ({
  subject,
  username: `${subject}@example.com`,
  name,
});
const crowd = (size: number) => Array.from({ length: size }, () => person(`00u${randomUUID()}`));
const lines = (people: readonly object[]) => people.map((one) => `${JSON.stringify(one)}\n`).join('');

interface Answered<T> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}
async function send<T = ProvisioningBatchStatus>(
  body: Exclude<RequestInit['body'], undefined>,
  {
    type = jsonLines,
    as = machine,
    headers = {},
    query = '',
  }: { type?: string; as?: Credentials; headers?: object; query?: string } = {},
): Promise<Answered<T>> {
  const response = await fetch(api.url + place + query, {
    method: 'POST',
    body,
    // Node's own client sends a stream while it is produced.
    ...(body instanceof ReadableStream && { duplex: 'half' }),
    headers: {
      ...(as.token !== undefined && { authorization: `Bearer ${as.token}` }),
      'content-type': type,
      ...headers,
    },
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as T };
}
const refusal = async (...of: Parameters<typeof send>) => {
  const { status, body } = await send<Problem>(...of);
  return [status, body.code, body.errors?.map(({ field, message }) => `${field} ${message}`)];
};
const follow = async (id: string, query = '', as = machine) =>
  (await api.get(`${place}/${id}${query}`, as)).body as object as ProvisioningBatchStatus;
const newest = async () =>
  ((await api.get(place, machine)).body as object as Page<ProvisioningBatch>).items[0];
const requestsOf = (people: readonly { subject: string }[]) =>
  api.sql(
    `SELECT r.id, r.cause, r.priority FROM provisioning_request r JOIN identity i ON i.id = r.identity_id
     WHERE i.subject = ANY($1) ORDER BY r.created_at`,
    [people.map(({ subject }) => subject)],
  );
const until = async (condition: () => Promise<boolean>) => {
  while (!(await condition())) await new Promise((resolve) => setImmediate(resolve));
};

describe('POST /v1/provisioning-batches', () => {
  it('accepts a file and gives the address of the batch', async () => {
    const people = crowd(3);
    const answer = await send(lines(people));
    expect(answer.status).toBe(202);
    expect(answer.headers.get('location')).toBe(`${place}/${answer.body.id}`);
    expect(answer.headers.get('retry-after')).toBe('2');
    expect(answer.body).toMatchObject({
      state: 'working',
      format: 'jsonl',
      counts: { lines: 3, waiting: 3, refused: 0 },
      stopped: null,
      failures: { items: [], nextCursor: null },
    });
    expect(await requestsOf(people)).toMatchObject(people.map(() => ({ cause: 'batch', priority: 20 })));
    for (const { id } of await requestsOf(people)) await api.finish(String(id), {});
    const done = await api.get(`${place}/${answer.body.id}`, machine);
    expect(done.body).toMatchObject({ state: 'done', counts: { created: 3, waiting: 0 } });
    expect(done.headers.get('retry-after')).toBeNull();
  });

  it('accepts CSV, and names the invalid lines', async () => {
    const text = `subject,username,name\n00uCsv1,ada@example.com,Ada\n00uCsv2,"bob\n00uCsv1,ada@example.com,Ada\n`;
    const { status, body } = await send(text, { type: 'text/csv; charset=UTF-8' });
    expect([status, body.counts.lines, body.counts.waiting, body.counts.refused]).toEqual([202, 3, 1, 2]);
    expect(body.failures.items).toMatchObject([
      { line: 3, code: 'invalid_request', errors: [{ field: 'line' }], requestId: null },
      { line: 4, subject: '00uCsv1', errors: [{ field: 'subject', message: 'is already on line 2' }] },
    ]);
    const page = await follow(body.id, '?limit=1');
    expect(page.failures.items).toHaveLength(1);
    const rest = await follow(body.id, `?limit=1&cursor=${page.failures.nextCursor}`);
    expect(rest.failures).toMatchObject({ items: [{ line: 4 }], nextCursor: null });
  });

  it('is recorded without the content of the lines', async () => {
    const { body } = await send(`${lines(crowd(1))}{"subject":"secret"}\n`);
    const [call] = await api.sql(
      `SELECT c.operation, c.actor, c.parameters, o.result, o.answer FROM api_call c JOIN api_call_outcome o ON o.call_id = c.id
       WHERE c.parameters ->> 'batchId' = $1`,
      [body.id],
    );
    expect(call).toMatchObject({
      operation: 'create_provisioning_batch',
      parameters: { batchId: body.id, format: 'jsonl' },
      ...{ result: 'ok', answer: { lines: 2, refused: 1 } },
    });
  });

  it('gives one batch for one key and body, and refuses the key with another', async () => {
    const text = lines(crowd(2));
    const headers = { 'idempotency-key': randomUUID() };
    const first = await send(text, { headers });
    expect((await send(text, { headers })).body.id).toBe(first.body.id);
    expect((await send(text)).body.id).not.toBe(first.body.id);
    expect(await refusal(lines(crowd(1)), { headers })).toEqual([422, 'idempotency_key_reused', undefined]);
    expect(await refusal(text, { headers: { 'idempotency-key': 'a b' } })).toEqual([
      400,
      'invalid_request',
      ['Idempotency-Key must be printable ASCII without spaces'],
    ]);
  });

  it('refuses a second body of a key while it reads the first', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    let finish = () => {};
    const slow = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(Buffer.from(lines(crowd(500))));
        finish = () => controller.close();
      },
    });
    const first = send(slow, { headers });
    await until(async () => (await newest())?.state === 'receiving');
    expect(await refusal(lines(crowd(1)), { headers })).toEqual([409, 'idempotency_key_in_use', undefined]);
    finish();
    expect((await first).status).toBe(202);
  });

  it('creates one request for each person when two files with the same people arrive at once', async () => {
    const people = crowd(700);
    const answers = await Promise.all([
      send(lines(people)),
      send(lines(people.toReversed())),
      send(`subject,username,name\n${people.map((one) => Object.values(one).join(',')).join('\n')}`, {
        type: 'text/csv',
      }),
    ]);
    expect(answers.map(({ status, body }) => [status, body.counts.waiting])).toEqual(
      answers.map(() => [202, 700]),
    );
    expect(await requestsOf(people)).toHaveLength(700);
  });
});

describe('an invalid body', () => {
  it.each([
    ['nothing', '', jsonLines, [400, 'invalid_request', ['file has no person']]],
    ['blank lines', '\n \r\n\n', jsonLines, [400, 'invalid_request', ['file has no person']]],
    [
      'a header only',
      'subject,username,name\n',
      'text/csv',
      [400, 'invalid_request', ['file has no person']],
    ],
    [
      'an unknown column',
      'subject,username,name,boss\n',
      'text/csv',
      [
        400,
        'invalid_request',
        ['boss is not a known column; the known columns are issuer, subject, username, email, name'],
      ],
    ],
    ['JSON', '{}', 'application/json', [415, 'unsupported_media_type', undefined]],
    ['a form', 'a=b', 'application/x-www-form-urlencoded', [415, 'unsupported_media_type', undefined]],
    ['another charset', 'x', 'text/csv; charset=utf-16', [415, 'unsupported_media_type', undefined]],
  ])('%s creates no batch', async (_, body, type, answer) => {
    const before = (await newest())?.id;
    expect(await refusal(body, { type })).toEqual(answer);
    expect((await newest())?.id).toBe(before);
  });

  it('is refused when it is compressed, or has no type', async () => {
    const unsupported = [415, 'unsupported_media_type', undefined];
    expect(await refusal('x', { headers: { 'content-encoding': 'gzip' } })).toEqual(unsupported);
    expect(await refusal(null, { type: '' })).toEqual(unsupported);
  });

  it('with broken UTF-8, NUL bytes, and a line of 10 MB keeps its valid lines', async () => {
    const [good, last] = crowd(2);
    const bytes = Buffer.concat([
      Buffer.from(lines([good!])),
      Buffer.from([0x7b, 0xff, 0xfe, 0x7d, 0x0a]),
      Buffer.from('{"subject":"a\0b"}\n'),
      Buffer.alloc(10 * 1024 * 1024, '{'),
      Buffer.from(`\n["${oktaIssuer}"]\n${lines([last!])}`),
    ]);
    const { status, body } = await send(bytes);
    expect([status, body.counts.waiting, body.failures.items.map(({ line }) => line)]).toEqual([
      202,
      2,
      [2, 3, 4, 5],
    ]);
    expect(JSON.stringify(body)).not.toContain('{{{');
  });

  it('of 100,001 people is accepted up to the limit, and the answer says where reading stopped', async () => {
    const line = (at: number) => `{"subject":"00uMany${at}"}\n`;
    let at = 0;
    const many = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (at > 100_000) return controller.close();
        controller.enqueue(Buffer.from(Array.from({ length: 1000 }, () => line(at++)).join('')));
      },
    });
    const { status, body } = await send(many);
    expect([status, body.counts.lines, body.stopped]).toEqual([
      202,
      100_000,
      { line: 100_001, why: 'A file has at most 100,000 people.' },
    ]);
  });

  it('that is cut off keeps its complete lines, and the answer says where reading stopped; sending it again changes nothing', async () => {
    const people = crowd(3);
    const text = lines(people);
    const key = randomUUID();
    const before = (await newest())?.id;
    const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
    await once(socket, 'connect');
    socket.write(
      `POST ${place} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${machine.token}\r\nContent-Type: ${jsonLines}\r\n` +
        `Idempotency-Key: ${key}\r\nContent-Length: ${text.length}\r\n\r\n${text.slice(0, -20)}`,
    );
    await until(async () => (await newest())?.id !== before);
    socket.destroy();
    await until(async () => (await newest())?.state === 'working');
    expect(await newest()).toMatchObject({
      counts: { lines: 2, waiting: 2 },
      stopped: { line: 3, why: 'The data ended before this line was complete.' },
    });
    const again = await send(text, { headers: { 'idempotency-key': key } });
    expect(again.body).toMatchObject({ counts: { lines: 3, waiting: 3 }, stopped: null });
    expect(await requestsOf(people)).toHaveLength(3);
  });
});

describe('a batch', () => {
  it('is not accessible to people, to tokens without the scope, or to other tenants', async () => {
    const { body } = await send(lines(crowd(1)));
    const { identityId } = await api.admit();
    const session = await api.session(identityId);
    const readOnly = await api.machine('foyer.read');
    expect((await api.get(`${place}/${body.id}`, session)).status).toBe(403);
    expect((await api.get(place)).status).toBe(401);
    expect(await refusal(lines(crowd(1)), { as: readOnly })).toEqual([403, 'insufficient_scope', undefined]);
    const [other] = await api.sql(`INSERT INTO tenant (slug) VALUES ('other') RETURNING id`);
    await api.sql('UPDATE provisioning_batch SET tenant_id = $1 WHERE id = $2', [other!.id, body.id]);
    expect((await api.get(`${place}/${body.id}`, machine)).status).toBe(404);
    expect((await newest())?.id).not.toBe(body.id);
  });

  it.each(['x', randomUUID(), '../x', '%00'])('with the id %s does not exist', async (id) => {
    expect([400, 404]).toContain((await api.get(`${place}/${id}`, machine)).status);
  });

  it('refuses cursors and limits that are not its own', async () => {
    const { body } = await send(lines(crowd(1)));
    for (const query of ['?cursor=x', '?limit=0', '?limit=201', '?page=1', `?cursor=${btoa('-1')}`])
      expect((await api.get(`${place}/${body.id}${query}`, machine)).status).toBe(400);
  });
});

describe('with dryRun', () => {
  const query = '?dryRun=true';
  const tables = [
    'identity',
    'provisioning_request',
    'request_event',
    'box_account',
    'provisioning_batch',
    'idempotency_key',
  ];
  const rows = () => Promise.all(tables.map((table) => api.sql(`SELECT count(*) FROM ${table}`)));
  const writes = async () => {
    const { calls } = await box.control<{ calls: { method: string; path: string }[] }>('GET', 'calls');
    return calls.filter(({ method, path }) => method !== 'GET' && path !== '/oauth2/token').length;
  };

  it('reports for each line what an import would do, and changes nothing', async () => {
    const [known, found, fresh] = [
      await api.admit(),
      person(`00u${randomUUID()}`),
      person(`00u${randomUUID()}`),
    ];
    await api.finish(known.requestId, {});
    await box.control('POST', 'seed', { users: [{ name: found.name, externalId: found.subject }] });
    const text = `${lines([person(known.subject), found, fresh])}{}\n`;
    const [before, written] = [await rows(), await writes()];
    const headers = { 'idempotency-key': randomUUID() };
    const { status, body } = await send<BatchForecast>(text, { query, headers });
    expect([status, body.lines.map(({ line, subject, would }) => [line, subject, would])]).toEqual([
      200,
      [
        [1, known.subject, 'unchanged'],
        [2, found.subject, 'adopted'],
        [3, fresh.subject, 'created'],
        [4, null, 'refused'],
      ],
    ]);
    expect(body.counts).toMatchObject({ lines: 4, unchanged: 1, adopted: 1, created: 1, refused: 1 });
    expect([await rows(), await writes()]).toEqual([before, written]);
    expect((await send(text, { headers })).status).toBe(202);
  });

  it('refuses a file that it cannot read, and reports the error of Box', async () => {
    expect(await refusal('', { query })).toEqual([400, 'invalid_request', ['file has no person']]);
    expect(await refusal('x', { query: '?dryRun=yes' })).toEqual([
      400,
      'invalid_request',
      [expect.stringMatching(/^dryRun /)],
    ]);
    expect(await refusal('x', { query, type: 'text/plain' })).toEqual([
      415,
      'unsupported_media_type',
      undefined,
    ]);
    await box.control('POST', 'faults', { kind: 'status', status: 403, match: { path: '/2.0/users' } });
    expect(await refusal(lines(crowd(1)), { query })).toEqual([502, 'box_forbidden', undefined]);
  });

  it('predicts that a file does not change people whom SCIM manages', async () => {
    const known = await api.admit();
    await api.finish(known.requestId, {});
    await api.sql(`UPDATE identity SET scim = '{}' WHERE id = $1`, [known.identityId]);
    const text = lines([{ ...person(known.subject), name: 'Another Name' }]);
    const { body } = await send<BatchForecast>(text, { query });
    expect(body.lines.map(({ would }) => would)).toEqual(['unchanged']);
    const { body: taken } = await send<{ counts: object }>(text);
    expect(taken.counts).toMatchObject({ lines: 1, unchanged: 1 });
  });

  it('predicts nothing while the accounts belong to another Box app', async () => {
    const own = await Api.start({ box });
    try {
      await own.sql(`UPDATE tenant SET box_client_id = 'another'`);
      await own.context.tenant.boxApp.read();
      const headers = { 'content-type': jsonLines };
      const answer = await own.call('POST', place + query, {
        as: await own.machine(),
        body: lines(crowd(1)),
        headers,
      });
      expect([answer.status, answer.body.code]).toEqual([503, 'box_app_changed']);
    } finally {
      await own.stop();
    }
  });
});

it('a gateway that stops answers at once, and keeps the lines that it has read', async () => {
  const own = await Api.start();
  try {
    const as = await own.machine();
    const people = crowd(500);
    let end = () => {};
    const endless = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(Buffer.from(lines(people)));
        end = () => controller.close();
      },
    });
    const answer = fetch(own.url + place, {
      method: 'POST',
      body: endless,
      duplex: 'half',
      headers: { authorization: `Bearer ${as.token}`, 'content-type': jsonLines },
    });
    await until(async () => (await own.sql('SELECT lines FROM provisioning_batch'))[0]?.lines === 500);
    own.beginShutdown();
    const response = await answer;
    expect([response.status, ((await response.json()) as Problem).code]).toEqual([503, 'unavailable']);
    end();
    expect(
      await own.sql('SELECT lines, stopped_line, received_at IS NULL AS open FROM provisioning_batch'),
    ).toEqual([{ lines: 500, stopped_line: 501, open: false }]);
  } finally {
    await own.stop();
  }
});
