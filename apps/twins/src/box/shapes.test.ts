import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { object, rows, text, TwinUnderTest, type Reply } from './box.harness.ts';

const document = fileURLToPath(new URL('../../../../../shared/reference/box-openapi.json', import.meta.url));
const found = existsSync(document);
const shape = found ? it : it.skip;
// The test needs the excerpt of Box's published document.
const why = found ? '' : ' [needs box-openapi.json]';

type Schema = Record<string, unknown>;
const schemas: Record<string, Schema> = {};
const ajv = new Ajv({ strict: false, allErrors: true, logger: false });

/**
 * Converts OpenAPI 3.0 to JSON Schema: `nullable` becomes a choice with null, and references point into one document.
 */
function toJsonSchema(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toJsonSchema);
  if (typeof value !== 'object' || value === null) return value;
  const { nullable, $ref, example: _example, ...rest } = object(value);
  if (typeof $ref === 'string') return { $ref: $ref.replace('#/components/schemas/', 'box#/$defs/') };
  const schema = Object.fromEntries(Object.entries(rest).map(([key, inner]) => [key, toJsonSchema(inner)]));
  return nullable === true ? { anyOf: [{ type: 'null' }, schema] } : schema;
}

/** Every property of a schema, including those of its parts. */
function propertiesOf(schema: Schema): string[] {
  const reference =
    typeof schema.$ref === 'string' ? schemas[schema.$ref.split('/').at(-1) ?? ''] : undefined;
  const parts = Array.isArray(schema.allOf) ? rows(schema.allOf) : [];
  return [
    ...Object.keys(object(schema.properties ?? {})),
    ...(reference ? propertiesOf(reference) : []),
    ...parts.flatMap(propertiesOf),
  ];
}

beforeAll(() => {
  if (!found) return;
  void formats.default(ajv);
  const parsed = object(JSON.parse(readFileSync(document, 'utf8')));
  Object.assign(schemas, object(object(parsed.components).schemas));
  // The published list of codes is incomplete: Box's own common-errors page has others.
  const { code } = object(object(schemas.ClientError).properties);
  delete (code as Schema).enum;
  void ajv.addSchema({ $id: 'box', $defs: toJsonSchema(schemas) });
});

let twin: TwinUnderTest;
let token: string;
let ada: string;

beforeEach(async () => {
  twin = await TwinUnderTest.start();
  token = await twin.token();
  ada = await twin.appUser(token, 'Ada', '00u1');
});
afterEach(() => twin.close());

/** Checks a body against a published schema: it is valid, and has no key that the schema lacks. */
function expectShape(body: unknown, name: string): void {
  const validate = ajv.getSchema(`box#/$defs/${name}`);
  if (!validate) throw new Error(`no schema ${name}`);
  void validate(body);
  expect(validate.errors ?? []).toEqual([]);
  const known = propertiesOf(object(schemas[name]));
  expect(Object.keys(object(body)).filter((key) => !known.includes(key))).toEqual([]);
}

const get = (path: string, asUser?: string): Promise<Reply> =>
  twin.call('GET', `/2.0/${path}`, { token, asUser });

const allUserFields = [
  ...[
    'name',
    'login',
    'status',
    'role',
    'enterprise',
    'tracking_codes',
    'hostname',
    'my_tags',
    'external_app_user_id',
  ],
  ...['is_platform_access_only', 'can_see_managed_users', 'is_sync_enabled', 'is_external_collab_restricted'],
  ...[
    'is_exempt_from_device_limits',
    'is_exempt_from_login_verification',
    'notification_email',
    'space_used',
  ],
].join(',');

describe(`the published shapes${why}`, () => {
  shape('hold for a token', async () => {
    const reply = await twin.form('/oauth2/token', {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      scope: 'base_explorer',
      resource: 'https://api.box.com/2.0/folders/0',
    });
    expectShape(reply.body, 'AccessToken');
  });

  shape('hold for a user: standard, with all fields, and changed', async () => {
    expectShape((await get(`users/${ada}`)).body, 'User--Full');
    const full = (await get(`users/${ada}?fields=${allUserFields}`)).body;
    expectShape(full, 'User--Full');
    expect(Object.keys(full)).toEqual(expect.arrayContaining(['role', 'enterprise', 'external_app_user_id']));
    const body = {
      tracking_codes: [{ name: 'department', value: 'Sales' }],
      notification_email: { email: 'a@example.com' },
    };
    expectShape((await twin.call('PUT', `/2.0/users/${ada}`, { token, body })).body, 'User--Full');
  });

  shape('hold for users by offset and by marker', async () => {
    expectShape((await get('users')).body, 'Users');
    expectShape((await get('users?usemarker=true&limit=1')).body, 'Users');
  });

  shape('hold for items by offset and by marker, and for a new folder', async () => {
    await twin.control('POST', 'seed', {
      files: [
        { externalId: '00u1', path: 'inner/a.txt' },
        { externalId: '00u1', path: 'b.txt' },
      ],
    });
    expectShape((await get('folders/0/items', ada)).body, 'Items');
    expectShape((await get('folders/0/items?usemarker=true', ada)).body, 'Items');
    const fields =
      'name,size,created_at,modified_at,path_collection,owned_by,parent,item_status,sha1,description';
    expectShape((await get(`folders/0/items?fields=${fields}`, ada)).body, 'Items');
    const made = await twin.call('POST', '/2.0/folders', {
      token,
      asUser: ada,
      body: { name: 'New', parent: { id: '0' } },
    });
    expectShape(made.body, 'Folder--Full');
    expectShape((await get('folders/0', ada)).body, 'Folder--Full');
    expectShape((await get(`folders/${text(made.body.id)}`, ada)).body, 'Folder--Full');
  });

  shape('hold for groups and memberships: made, listed, with all fields, and changed', async () => {
    const post = async (path: string, body: object) =>
      (await twin.call('POST', `/2.0/${path}`, { token, body })).body;
    const group = await post('groups', { name: 'Sales', provenance: 'Okta', description: 'People who sell' });
    expectShape(group, 'Group--Full');
    const groupId = text(group.id);
    const membership = await post('group_memberships', { user: { id: ada }, group: { id: groupId } });
    expectShape(membership, 'GroupMembership');

    expectShape((await get('groups')).body, 'Groups');
    const fields = 'name,provenance,external_sync_identifier,description,invitability_level,permissions';
    const full = (await get(`groups/${groupId}?fields=${fields},member_viewability_level`)).body;
    expectShape(full, 'Group--Full');
    expect(Object.keys(full)).toEqual(expect.arrayContaining(['provenance', 'description', 'permissions']));
    expectShape((await get(`groups/${groupId}/memberships`)).body, 'GroupMemberships');
    expectShape((await get(`users/${ada}/memberships`)).body, 'GroupMemberships');
    const change = { token, body: { role: 'member' } };
    const path = `/2.0/group_memberships/${text(membership.id)}`;
    expectShape((await twin.call('PUT', path, change)).body, 'GroupMembership');
    const renamed = await twin.call('PUT', `/2.0/groups/${groupId}`, { token, body: { name: 'Traders' } });
    expectShape(renamed.body, 'Group--Full');
  });

  shape('hold for refusals', async () => {
    await twin.control('POST', 'seed', { groups: [{ name: 'Sales' }] });
    const body = { name: 'Ada', is_platform_access_only: true, external_app_user_id: '00u1' };
    const conflict = await twin.call('POST', '/2.0/users', { token, body });
    expectShape(conflict.body, 'ClientError');
    expectShape(rows(object(conflict.body.context_info).conflicts)[0], 'User--Mini');
    for (const reply of [
      await get('users/1'),
      await get('groups/1'),
      await get('group_memberships/1'),
      await twin.call('POST', '/2.0/groups', { token, body: { name: 'Sales' } }),
      await get('users?offset=10001'),
      await get('users/me', '1'),
      await twin.call('POST', '/2.0/users', { token, body: {} }),
    ]) {
      expect(reply.status).toBeGreaterThanOrEqual(400);
      expectShape(reply.body, 'ClientError');
    }
    expectShape((await twin.form('/oauth2/token', {})).body, 'OAuth2Error');
  });

  shape('reject a body that does not match', async () => {
    const good = (await get(`users/${ada}`)).body;
    expect(() => expectShape({ ...good, status: 'gone' }, 'User--Full')).toThrow();
    expect(() => expectShape({ ...good, nick_name: 'A' }, 'User--Full')).toThrow();
    expect(() => expectShape({ ...good, created_at: 'today' }, 'User--Full')).toThrow();
    expect(text(good.type)).toBe('user');
  });
});
