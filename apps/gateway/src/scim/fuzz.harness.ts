import { groupType, userType } from '@foyer/scim';
import fc from 'fast-check';
import { filterTexts, userBodies, words } from './generated.harness.ts';
import { hostileTexts, hostileValues, mutilated, perhapsDamaged } from './hostile.harness.ts';
import { ENTERPRISE, GROUP, PATCH_OP, USER } from './scim.harness.ts';

/** Requests that a careless or hostile client could send; most are nearly valid, so that they reach deep code. */

export interface FuzzedRequest {
  readonly method: string;
  /** The path below the service's address, with the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

const filters = (() => {
  const valid = fc.oneof(filterTexts(userType, ['ann@example.com']), filterTexts(groupType, ['Staff']));
  const deep = fc.integer({ min: 40, max: 100 }).map((n) => `${'('.repeat(n)}userName pr${')'.repeat(n)}`);
  const long = fc.constantFrom(
    `userName eq "${'x'.repeat(9_000)}"`,
    Array(150).fill('active pr').join(' or '),
  );
  return fc.oneof(
    { weight: 4, arbitrary: valid },
    { weight: 5, arbitrary: mutilated(valid) },
    deep,
    long,
    hostileTexts,
  );
})();

const attributes = [
  ...[
    'userName',
    'name',
    'name.givenName',
    'emails',
    'emails.value',
    'active',
    'displayName',
    'members',
    'members.value',
  ],
  ...[
    'externalId',
    'id',
    'meta',
    'meta.version',
    'password',
    'groups',
    'schemas',
    'addresses',
    'photos.value',
    ENTERPRISE,
  ],
  ...[
    `${ENTERPRISE}:manager`,
    `${ENTERPRISE}:manager.value`,
    `${USER}:userName`,
    'emails[type eq "work"]',
    'roles',
  ],
  ...[
    'emails[type eq "work"].value',
    'emails[primary eq true].display',
    'members[display pr]',
    'members[value eq null]',
  ],
];

/** Makes paths and values from existing ids, ids of another tenant and invented ids. */
export function requests(ids: readonly string[]): fc.Arbitrary<FuzzedRequest> {
  const someId = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...ids) },
    { weight: 1, arbitrary: fc.uuid() },
    { weight: 1, arbitrary: hostileTexts },
  );
  const patchPaths = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...attributes) },
    { weight: 2, arbitrary: mutilated(fc.constantFrom(...attributes)) },
    { weight: 1, arbitrary: someId.map((id) => `members[value eq ${JSON.stringify(id)}]`) },
    { weight: 1, arbitrary: filters.map((filter) => `emails[${filter}].value`) },
    hostileTexts,
  );
  const member = someId.map((value) => ({ value, display: value }));
  const values = fc.oneof(hostileValues, words, userBodies, fc.array(member, { maxLength: 4 }), fc.boolean());
  const operation = fc.record(
    { op: fc.constantFrom('add', 'remove', 'replace', 'Replace'), path: patchPaths, value: values },
    { requiredKeys: ['op'] },
  );
  const patch = fc.record({
    schemas: fc.constant([PATCH_OP]),
    Operations: fc.array(operation, { minLength: 1, maxLength: 4 }),
  });
  const user = fc.tuple(userBodies, words, fc.option(someId)).map(([more, userName, externalId]) => ({
    ...more,
    schemas: [USER],
    userName,
    ...(externalId && { externalId }),
  }));
  const group = fc
    .tuple(words, fc.array(member, { maxLength: 4 }))
    .map(([displayName, members]) => ({ schemas: [GROUP], displayName, members }));
  const search = fc.record(
    {
      schemas: fc.constant(['urn:ietf:params:scim:api:messages:2.0:SearchRequest']),
      filter: filters,
      attributes: fc.array(fc.constantFrom(...attributes), { maxLength: 3 }),
      sortBy: fc.constantFrom(...attributes),
      startIndex: fc.oneof(fc.integer(), hostileValues),
      count: fc.oneof(fc.integer(), hostileValues),
      cursor: fc.oneof(fc.constant(''), hostileTexts),
    },
    { requiredKeys: [] },
  );
  const bulk = fc.record({
    schemas: fc.constant(['urn:ietf:params:scim:api:messages:2.0:BulkRequest']),
    failOnErrors: fc.constantFrom(1, 2, 100),
    Operations: fc.array(bulkOperation(someId, fc.oneof(user, group, patch)), { minLength: 1, maxLength: 5 }),
  });
  const query = fc
    .array(
      fc.oneof(
        fc.tuple(fc.constant('filter'), filters),
        fc.tuple(
          fc.constantFrom('sortBy', 'attributes', 'excludedAttributes'),
          fc.constantFrom(...attributes),
        ),
        fc.tuple(
          fc.constantFrom('startIndex', 'count', 'cursor', 'sortOrder', '__proto__', 'filter[a]'),
          hostileTexts,
        ),
        fc.tuple(fc.constantFrom('startIndex', 'count'), fc.integer().map(String)),
      ),
      { maxLength: 4 },
    )
    .map((pairs) => pairs.map(([name, value]) => `${encoded(name)}=${encoded(value)}`).join('&'));

  const to = (
    methods: readonly string[],
    path: fc.Arbitrary<string>,
    body: fc.Arbitrary<unknown>,
    weight: number,
  ): { weight: number; arbitrary: fc.Arbitrary<FuzzedRequest> } => ({
    weight,
    arbitrary: fc
      .tuple(
        fc.constantFrom(...methods),
        path,
        weight === LISTS ? query : rarely(query),
        headers,
        bodyTexts(body),
      )
      .map(([method, where, asked, given, text]) => ({
        method,
        // Node.js itself refuses headers of more than 16 KiB.
        path: `${where}?${asked}`.slice(0, 8_000),
        headers: given,
        body: method === 'GET' || method === 'DELETE' ? undefined : text,
      })),
  });
  const one = (type: string) => someId.map((id) => `/${type}/${encoded(id)}`);
  const endpoints = [
    '/Users',
    '/Groups',
    '/Bulk',
    '/.search',
    '/Users/.search',
    '/Me',
    '/Schemas',
    '/ResourceTypes',
    '/ServiceProviderConfig',
    '',
    '/groups/',
    '/Other',
  ];
  return fc.oneof(
    to(['GET'], fc.constantFrom('/Users', '/Groups'), fc.constant(null), LISTS),
    to(['POST'], fc.constant('/Users'), perhapsDamaged(user), 3),
    to(['POST'], fc.constant('/Groups'), perhapsDamaged(group), 2),
    to(['GET', 'PUT', 'DELETE'], one('Users'), perhapsDamaged(user), 3),
    to(['GET', 'PUT', 'DELETE'], one('Groups'), perhapsDamaged(group), 3),
    to(['PATCH'], fc.oneof(one('Users'), one('Groups')), perhapsDamaged(patch), 8),
    to(['POST'], fc.constantFrom('/.search', '/Users/.search', '/Groups/.search'), perhapsDamaged(search), 2),
    to(['POST'], fc.constant('/Bulk'), perhapsDamaged(bulk), 3),
    to(
      ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
      fc.constantFrom(...endpoints),
      fc.oneof(user, group, hostileValues),
      2,
    ),
    to(
      ['GET', 'PUT', 'PATCH'],
      hostileTexts.map((text) => `/${encoded(text)}`),
      hostileValues,
      1,
    ),
  );
}

/** The share of list requests, which have the queries. */
const LISTS = 4;
const rarely = (texts: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.oneof({ weight: 6, arbitrary: fc.constant('') }, { weight: 1, arbitrary: texts });

const bulkOperation = (ids: fc.Arbitrary<string>, data: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc
    .record({
      type: fc.constantFrom('Users', 'Groups', 'Other'),
      id: fc.oneof(ids, fc.constant('bulkId:a')),
      data,
    })
    .chain((its) =>
      fc.oneof(
        fc.record({
          method: fc.constant('POST'),
          path: fc.constant(`/${its.type}`),
          bulkId: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
          data: fc.constant(its.data),
        }),
        fc.record({
          method: fc.constantFrom('PUT', 'PATCH', 'DELETE', 'GET'),
          path: fc.constant(`/${its.type}/${its.id}`),
          data: fc.constant(its.data),
        }),
      ),
    );

const encoded = (text: string): string => encodeURIComponent(text.toWellFormed());

const headers: fc.Arbitrary<Record<string, string>> = fc
  .record(
    {
      'content-type': fc.oneof(
        {
          weight: 12,
          arbitrary: fc.constantFrom('application/scim+json', 'application/json; charset=utf-8'),
        },
        {
          weight: 1,
          arbitrary: fc.constantFrom(
            ...[
              'text/plain',
              'application/xml',
              'application/scim+json; charset=utf-16',
              ';',
              'application/json;charset="x',
            ],
            ...[
              'application/x-www-form-urlencoded',
              'multipart/form-data',
              'application/scim+json; charset=latin1',
            ],
          ),
        },
      ),
      'if-match': fc.constantFrom('*', 'W/"1"', '"2"', 'W/"', '', 'x', '*, W/"1"', 'W/"1"'.repeat(500)),
      'if-none-match': fc.constantFrom('*', 'W/"1"', ',,,'),
      'content-encoding': fc.constantFrom('gzip', 'identity', 'br', 'x'),
      accept: fc.constantFrom('text/html', 'application/json', '*/*;q=0', 'application/scim+json'),
      prefer: fc.constant('wait=5'),
    },
    { requiredKeys: ['content-type'] },
  )
  // Most requests should be read.
  .map(({ 'content-encoding': encoding, ...others }) =>
    encoding === 'gzip' && others.accept === 'text/html'
      ? { ...others, 'content-encoding': encoding }
      : others,
  )
  .map((given) => Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)));

/** JSON, or text that is nearly JSON. */
const bodyTexts = (bodies: fc.Arbitrary<unknown>): fc.Arbitrary<string> => {
  const json = bodies.map((body) => JSON.stringify(body));
  return fc.oneof(
    { weight: 12, arbitrary: json },
    { weight: 1, arbitrary: mutilated(json) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        ...[
          '',
          '{',
          'null',
          '1e999',
          '[]',
          '"x"',
          '\uFEFF{}',
          '{"a":1,"a":2}',
          '{"__proto__":{"x":1}}',
          '\0',
        ],
        ...[
          '[{'.repeat(5_000),
          '['.repeat(10_000) + ']'.repeat(10_000),
          '{"schemas":' + '9'.repeat(400) + '}',
        ],
      ),
    },
  );
};
