import { randomUUID } from 'node:crypto';
import { PATCH_OP, ScimTestClient, USER } from './scim.harness.ts';

let scim: ScimTestClient;
let id: string;
beforeAll(async () => {
  scim = await ScimTestClient.start();
  id = (await scim.hire('ada')).body.id;
});
afterAll(() => scim.stop());

// No attribute can be spelt like this: names of ignored attributes are recorded.
const secret = `7hunter${randomUUID().replaceAll('-', '')}`;
const search = 'urn:ietf:params:scim:api:messages:2.0:SearchRequest';
const bulk = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';
const q = encodeURIComponent;

/** Secrets in places where none belongs, in every way that we could think of. */
const places: [name: string, send: () => Promise<unknown>][] = [
  ...['access_token', 'password', 'Password', 'token', secret, 'cursor', 'sortBy', 'sortOrder', 'count'].map(
    (name): [string, () => Promise<unknown>] => [
      `the query parameter ${name === secret ? 'of that name' : name}`,
      () => scim.get(`/Users?${name}=${secret}`),
    ],
  ),
  ...['attributes', 'excludedAttributes', 'startIndex'].map((name): [string, () => Promise<unknown>] => [
    `the query parameter ${name}`,
    () => scim.get(`/Users?${name}=${secret}`),
  ]),
  ...[
    `password eq '${secret}'`,
    `password eq "${secret}"`,
    `title eq "${secret}"`,
    `userName eq "${secret}`,
    `userName eq '${secret}'`,
    `${secret} eq "1"`,
    `userName eq "a" and ${secret}`,
    secret,
  ].map((filter): [string, () => Promise<unknown>] => [
    `the filter ${filter.replace(secret, 'X')}`,
    () =>
      scim.get(`/Users?filter=${q(filter)}&filter=${q(filter)}`).then(() => scim.filter('/Users', filter)),
  ]),
  ['a filter in another case', () => scim.get(`/Users?FILTER=${q(`password eq '${secret}'`)}`)],
  ['the path', () => scim.get(`/Users/${secret}`)],
  ['the path of a change', () => scim.patch(`/Users/${secret}`, { op: 'add', value: {} })],
  ['a path of nothing', () => scim.get(`/${secret}/Users`)],
  ['a schema', () => scim.get(`/Schemas/${secret}`)],
  ['the tenant', () => scim.house.ask(`/t/${secret}/scim/v2/Users`)],
  ['an attribute of a user', () => scim.hire('eve', { title: secret, password: secret, [secret]: secret })],
  [
    'a replaced user',
    () => scim.put(`/Users/${id}`, { schemas: [USER], userName: 'ada@example.com', password: secret }),
  ],
  ['a PATCH path', () => scim.patch(`/Users/${id}`, { op: 'add', path: secret, value: secret })],
  [
    'a PATCH filter',
    () => scim.patch(`/Users/${id}`, { op: 'add', path: `emails[value eq "${secret}"].type`, value: secret }),
  ],
  ['a PATCH operation', () => scim.patch(`/Users/${id}`, { op: secret, path: 'title', value: secret })],
  [
    'a PATCH value',
    () =>
      scim.patch(`/Users/${id}`, {
        op: 'add',
        value: { password: secret, [secret]: secret, active: secret },
      }),
  ],
  [
    'a PATCH of a password',
    () => scim.patch(`/Users/${id}`, { op: 'replace', path: 'password', value: secret }),
  ],
  [
    'a PATCH of no form',
    () =>
      scim.send('PATCH', `/Users/${id}`, {
        schemas: [PATCH_OP, secret],
        Operations: [secret, { [secret]: secret }],
      }),
  ],
  [
    'a search',
    () =>
      scim.post('/Users/.search', {
        schemas: [search],
        filter: `password eq "${secret}"`,
        [secret]: secret,
        sortBy: secret,
      }),
  ],
  [
    'a search of all',
    () => scim.post('/.search', { schemas: [search], filter: secret, attributes: [secret], count: secret }),
  ],
  [
    'a bulk request',
    () =>
      scim.post('/Bulk', {
        schemas: [bulk],
        failOnErrors: secret,
        Operations: [
          {
            method: secret,
            path: `/Users/${secret}`,
            bulkId: `${secret} ${secret}`,
            data: { password: secret },
          },
        ],
      }),
  ],
  [
    'an operation of a bulk request',
    () =>
      scim.post('/Bulk', {
        schemas: [bulk],
        Operations: [
          {
            method: 'POST',
            path: '/Users',
            bulkId: 'b',
            data: { schemas: [USER], userName: 'bo@example.com', password: secret, title: secret },
          },
          { method: 'DELETE', path: `/Users/${secret}` },
        ],
      }),
  ],
];

it.each(places)('keeps a secret out of the audit log and the log that is in %s', async (_name, send) => {
  await send();
  const rows = await scim.house.api.sql(
    `SELECT c::text AS call, o::text AS outcome FROM api_call c LEFT JOIN api_call_outcome o ON o.call_id = c.id`,
  );
  expect(rows.length).toBeGreaterThan(0);
  expect(JSON.stringify(rows)).not.toContain(secret);
  expect(scim.house.logged.join('')).not.toContain(secret);
});

it('still records the subject of a call', async () => {
  await scim.get(
    `/Users?filter=${q('userName eq "ada@example.com" or externalId eq "00uada"')}&startIndex=1&COUNT=2&foo=1`,
  );
  await scim.patch(
    `/Users/${id}`,
    { op: 'Replace', path: 'name.givenName', value: 'Ada' },
    { op: 'replace', value: { active: true } },
  );
  const rows = await scim.house.api.sql(
    'SELECT operation, path, parameters FROM (SELECT * FROM api_call ORDER BY id DESC LIMIT 2) c ORDER BY operation DESC',
  );
  expect(rows).toEqual([
    {
      operation: 'scim_patch',
      path: `/scim/v2/Users/${id}`,
      parameters: {
        operations: [
          { op: 'replace', path: 'name.givenName' },
          { op: 'replace', active: true, attributes: ['active'] },
        ],
        of: 2,
      },
    },
    {
      operation: 'scim_list',
      path: '/scim/v2/Users',
      parameters: {
        filter: 'userName eq "ada@example.com" or externalId eq "00uada"',
        ...{ startIndex: 1, count: 2, unknown: 1 },
      },
    },
  ]);
});
