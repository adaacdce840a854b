import { ScimGroups } from '@foyer/persistence';
import { errorCodes } from '@foyer/shared';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { oas31 } from 'zod-openapi';
import { Api, type Answer, type Credentials } from '../access/api.harness.ts';
import { Twin } from '@foyer/testing';

let box: Twin;
let api: Api;
let document: oas31.OpenAPIObject;
const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats.default(ajv);
/** Compiling a schema takes most of a check's time. */
const validators = new Map<string, ValidateFunction>();

beforeAll(async () => {
  box = await Twin.start('box', { BOX_TWIN_PORT: '0', BOX_TWIN_RATE_LIMIT: '0' });
  api = await Api.start({ box });
  document = JSON.parse((await api.get('/docs/openapi.json')).text) as oas31.OpenAPIObject;
  ajv.addSchema(document, 'document');
});
afterAll(async () => {
  await api.stop();
  await box.stop();
});

interface Media {
  readonly schema: object;
  readonly examples: Record<string, { value: unknown }>;
}
interface Operation {
  readonly pointer: string;
  readonly method: string;
  readonly path: string;
  readonly operation: oas31.OperationObject;
}

const escaped = (key: string) =>
  key.replaceAll('~', '~0').replaceAll('/', '~1').replaceAll('{', '%7B').replaceAll('}', '%7D');

const operations = (): Operation[] =>
  Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    Object.entries(item as Record<string, oas31.OperationObject>).map(([method, operation]) => ({
      pointer: `#/paths/${escaped(path)}/${method}`,
      method,
      path,
      operation,
    })),
  );

/** The ways in which a value breaks the schema at a place in the document; empty when it is valid. */
function faults(pointer: string, value: unknown): string {
  const validate = validators.get(pointer) ?? ajv.compile({ $ref: `document${pointer}` });
  validators.set(pointer, validate);
  return validate(value) ? '' : `${pointer}: ${ajv.errorsText(validate.errors)}`;
}

describe('the document', () => {
  it('has each route, and no other', () => {
    const routes = api.routes
      .filter(({ path }) => path.startsWith('/v1'))
      .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`);
    expect(
      operations()
        .map(({ method, path }) => `${method} ${path}`)
        .toSorted(),
    ).toEqual(routes.toSorted());
  });

  it('states who may call each operation, names it, and has no broken reference', () => {
    const names = operations().map(({ operation }) => operation.operationId);
    expect(new Set(names).size).toBe(names.length);
    for (const { operation } of operations()) {
      expect(operation.summary).toBeTruthy();
      expect(operation.security?.length).toBeGreaterThan(0);
      for (const requirement of operation.security ?? []) {
        for (const scheme of Object.keys(requirement))
          expect(document.components?.securitySchemes).toHaveProperty(scheme);
      }
    }
    const references = JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g);
    for (const [, name] of references)
      expect(Object.keys(document.components?.schemas ?? {})).toContain(name);
  });

  it('names no host', () => {
    expect(document.servers).toMatchObject([{ url: '/' }]);
    expect(document.components?.securitySchemes?.okta).toMatchObject({
      flows: { clientCredentials: { tokenUrl: `${api.keys.issuer}/v1/token` } },
    });
  });

  it('describes each parameter', () => {
    for (const { operation } of operations()) {
      for (const parameter of (operation.parameters ?? []) as oas31.ParameterObject[]) {
        expect([parameter.name, parameter.description]).toEqual([
          parameter.name,
          expect.stringMatching(/\w/),
        ]);
      }
    }
  });

  it('has examples for each answer with a body, and each matches its own schema', () => {
    let checked = 0;
    for (const { pointer, operation } of operations()) {
      for (const [status, response] of Object.entries(operation.responses ?? {})) {
        for (const [type, media] of Object.entries(
          (response as { content?: Record<string, Media> }).content ?? {},
        )) {
          expect(Object.keys(media.examples).length).toBeGreaterThan(0);
          for (const { value } of Object.values(media.examples)) {
            expect(faults(`${pointer}/responses/${status}/content/${escaped(type)}/schema`, value)).toBe('');
            if (Number(status) >= 400) expect((value as { status: number }).status).toBe(Number(status));
            checked++;
          }
        }
      }
    }
    const body = document.paths?.['/v1/provisioning-requests']?.post?.requestBody as {
      content: Record<string, Media>;
    };
    for (const { value } of Object.values(body.content['application/json']?.examples ?? {})) {
      const pointer = `#/paths/${escaped('/v1/provisioning-requests')}/post/requestBody/content/application~1json/schema`;
      expect(faults(pointer, value)).toBe('');
    }
    expect(checked).toBeGreaterThan(60);
  });
});

describe('the actual responses', () => {
  let ada: { identityId: string; requestId: string; subject: string };
  let machine: Credentials;
  let browser: Credentials;

  beforeAll(async () => {
    machine = await api.machine();
    ada = await api.admit();
    const { users } = await box.control<{ users: [{ id: string }] }>('POST', 'seed', {
      users: [{ name: 'Ada Example', externalId: ada.subject }],
      files: [{ externalId: ada.subject, path: 'Welcome.pdf' }],
    });
    await api.finish(ada.requestId, { boxUserId: users[0].id });
    browser = await api.session(ada.identityId);
  });

  /** Fails unless the response matches the document: status, media type, body and headers. */
  function check(method: string, path: string, answer: Answer): void {
    const { pointer, operation } =
      operations().find((one) => one.method === method && one.path === path) ?? {};
    const response = operation?.responses?.[String(answer.status) as '200'] as
      oas31.ResponseObject | undefined;
    expect(Object.keys(operation?.responses ?? {})).toContain(String(answer.status));
    const type = (answer.headers.get('content-type') ?? '').split(';')[0] ?? '';
    if (response?.content === undefined) expect(answer.text).toBe('');
    else {
      expect(Object.keys(response.content)).toContain(type);
      expect(
        faults(`${pointer}/responses/${answer.status}/content/${escaped(type)}/schema`, answer.body),
      ).toBe('');
    }
    const { code }: { code?: string } = answer.body;
    if (code !== undefined) {
      const media = response?.content?.['application/problem+json'] as Media | undefined;
      expect(Object.keys(media?.examples ?? {})).toContain(code);
    }
    for (const name of ['etag', 'location', 'retry-after', 'preference-applied', 'www-authenticate']) {
      const known = Object.keys(response?.headers ?? {}).map((header) => header.toLowerCase());
      if (answer.headers.has(name)) expect(known).toContain(name);
    }
    for (const [name, header] of Object.entries(response?.headers ?? {})) {
      if ((header as oas31.HeaderObject).required) expect(answer.headers.has(name)).toBe(true);
    }
  }

  const place = '/v1/provisioning-requests';
  const person = { subject: '00uDocs', username: 'docs@example.com', name: 'Docs' };

  it('to people are as documented', async () => {
    check('get', '/v1/me', await api.get('/v1/me', browser));
    check('get', '/v1/me', await api.get('/v1/me'));
    check('get', '/v1/me', await api.get('/v1/me', machine));
    check('get', '/v1/me/files', await api.get('/v1/me/files', browser));
    check('get', '/v1/me/files', await api.get('/v1/me/files?limit=x', browser));
    const { identityId } = await api.admit();
    check('get', '/v1/me/files', await api.get('/v1/me/files', await api.session(identityId)));
  });

  it('to callers who send files of people are as documented', async () => {
    const batches = '/v1/provisioning-batches';
    const body = `${JSON.stringify({ subject: '00uBatch', username: 'batch@example.com', name: '' })}\n{}\n`;
    const create = async (text: string, headers: Record<string, string> = {}, as = machine) => {
      const type = { 'content-type': 'application/x-ndjson' };
      const answer = await api.call('POST', batches, { as, body: text, headers: { ...type, ...headers } });
      check('post', batches, answer);
      return answer;
    };
    const dry = async (query: string, text = body) => {
      const headers = { 'content-type': 'application/x-ndjson' };
      const answer = await api.call('POST', batches + query, { as: machine, body: text, headers });
      check('post', batches, answer);
      return answer.status;
    };
    expect(await dry('?dryRun=true')).toBe(200);
    expect(await dry('?dryRun=true', '')).toBe(400);
    expect(await dry('?dryRun=yes')).toBe(400);
    await box.control('POST', 'faults', { kind: 'status', status: 403, match: { path: '/2.0/users' } });
    expect(await dry('?dryRun=true')).toBe(502);
    const { body: batch } = await create(body);
    await create('');
    await create(body, { 'content-type': 'application/json' });
    await create(body, { 'idempotency-key': 'docs-batch' });
    expect((await create('{}', { 'idempotency-key': 'docs-batch' })).status).toBe(422);
    await create(body, {}, await api.machine('foyer.read'));
    await create(body, {}, {});
    const one = `${batches}/{id}`;
    check('get', one, await api.get(`${batches}/${batch.id}`, machine));
    check('get', one, await api.get(`${batches}/${ada.identityId}`, machine));
    check('get', one, await api.get(`${batches}/x`, machine));
    check('get', batches, await api.get(batches, machine));
    check('get', batches, await api.get(`${batches}?limit=0`, machine));
  });

  it('to callers who create requests are as documented', async () => {
    const create = async (body: unknown, headers = {}, as = machine) => {
      const answer = await api.call('POST', place, { as, body, headers });
      check('post', place, answer);
      return answer;
    };
    const made = await create(person, { 'idempotency-key': 'docs' });
    await create({ ...person, name: 'Other' }, { 'idempotency-key': 'docs' });
    await create({ subject: '' });
    await create('{');
    await create({ name: 'x'.repeat(70_000) });
    await create('a', { 'content-type': 'text/plain' });
    await create(person, {}, {});
    await create(person, {}, { token: 'x' });
    await create(person, {}, await api.machine('foyer.read'));
    const retry = async (id: string) =>
      check('post', `${place}/{id}/retry`, await api.call('POST', `${place}/${id}/retry`, { as: machine }));
    const all = async (errorCode: string) =>
      check(
        'post',
        `${place}/retries`,
        await api.call('POST', `${place}/retries`, { as: machine, body: { errorCode } }),
      );
    await all('box_unavailable');
    await all('no_code');
    await retry(made.body.id);
    await retry('7');
    await api.finish(made.body.id, { code: 'box_forbidden' });
    check('get', `${place}/{id}`, await api.get(`${place}/${made.body.id}`, machine));
    await retry(made.body.id);
    await api.sql('UPDATE identity SET active = false WHERE id = $1', [made.body.identityId]);
    await create(person);
    await retry(made.body.id);
    await create({
      ...person,
      subject: ada.subject,
      username: `${ada.subject}@example.com`,
      name: 'Ada Example',
    });
  });

  const pushedGroup = async () => {
    const groups = new ScimGroups(api.context.database, api.tenantId);
    const { resource, requests } = await groups.create({ displayName: 'Engineers' }, []);
    return { groupId: resource.id, groupRequest: requests[0]!.requestId };
  };

  it('to callers who read are as documented', async () => {
    const read = async (path: string, at: string, headers = {}, as = machine) => {
      const answer = await api.get(at, as, headers);
      check('get', path, answer);
      return answer;
    };
    const { requestId } = await api.admit();
    const first = await read(`${place}/{id}`, `${place}/${requestId}`, { prefer: 'wait=0' });
    await read(`${place}/{id}`, `${place}/${requestId}`, { 'if-none-match': first.headers.get('etag') });
    await read(`${place}/{id}`, `${place}/${ada.requestId}`);
    await read(`${place}/{id}`, `${place}/${ada.identityId}`);
    await read(`${place}/{id}`, `${place}/x`);
    const { groupId, groupRequest } = await pushedGroup();
    const ofGroup = await read(`${place}/{id}`, `${place}/${groupRequest}`);
    expect(ofGroup.body).toMatchObject({ groupId, identityId: null, cause: 'scim' });
    const found = await read(place, `${place}?groupId=${groupId}`);
    expect(found.body.items.map(({ id }) => id)).toEqual([groupRequest]);
    await read(place, `${place}?groupId=x`);
    await read(place, `${place}?limit=1`);
    await read(place, place, {}, browser);
    await read(place, `${place}?cursor=x`);
    await read('/v1/identities', '/v1/identities');
    await read('/v1/identities', '/v1/identities', {}, browser);
    await read('/v1/identities/{id}', `/v1/identities/${ada.identityId}`);
    await read('/v1/identities/{id}', `/v1/identities/${requestId}`);
    await read('/v1/api-calls', '/v1/api-calls');
    await read('/v1/api-calls', '/v1/api-calls?status=1');
  });
});

describe('the pages', () => {
  it('load scripts and styles from here only, with nothing inline', async () => {
    const page = await api.get('/docs');
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
    expect(page.text).not.toMatch(/<script>|<style|style=|onload=|https?:/);
    const loaded = [...page.text.matchAll(/(?:src|href)="(\/docs\/[^"]+)"/g)].map(([, path]) => path ?? '');
    expect(loaded).toContain('/docs/swagger-ui-bundle.js');
    for (const path of loaded) expect((await api.get(path)).status).toBe(200);
  });

  it('list every operation without scripts', async () => {
    const { text } = await api.get('/docs');
    for (const { method, path } of operations()) expect(text).toContain(`${method.toUpperCase()} ${path}`);
  });

  it('explain every error code under its own anchor', async () => {
    const { status, text } = await api.get('/docs/errors');
    expect(status).toBe(200);
    for (const code of errorCodes) expect(text).toContain(`id="${code}"`);
  });

  it.each(['package.json', '..%2fpackage.json', 'index.html', 'swagger-ui.css.map'])(
    'serve no other file: %s',
    async (file) => {
      expect((await api.get(`/docs/${file}`)).status).toBe(404);
    },
  );
});
