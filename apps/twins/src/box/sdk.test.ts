import { BoxCcgAuth, BoxClient, BoxJwtAuth, CcgConfig, JwtConfig } from 'box-node-sdk';
import { BoxApiError } from 'box-node-sdk/box/errors';
import { BaseUrls } from 'box-node-sdk/networking/baseUrls';
import { NetworkSession } from 'box-node-sdk/networking/network';
import { BoxRetryStrategy } from 'box-node-sdk/networking/retries';
import { generateKeyPairSync } from 'node:crypto';
import { sampleConfig } from './config.ts';
import { object, rows, TwinUnderTest } from './box.harness.ts';

const passphrase = 'sample passphrase';
const { publicKey, privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase },
});

let twin: TwinUnderTest;

beforeEach(async () => {
  twin = await TwinUnderTest.start();
});
afterEach(() => twin.close());

const { clientId, clientSecret, enterpriseId } = sampleConfig;

/** The SDK with pauses short enough for a test, and otherwise its defaults. */
function clientWith(auth: BoxCcgAuth | BoxJwtAuth): BoxClient {
  const networkSession = new NetworkSession({
    baseUrls: new BaseUrls({ baseUrl: twin.url, uploadUrl: twin.url, oauth2Url: `${twin.url}/authorize` }),
    retryStrategy: new BoxRetryStrategy({ retryBaseInterval: 0.01 }),
  });
  return new BoxClient({ auth, networkSession });
}

const ccgClient = (): BoxClient =>
  clientWith(new BoxCcgAuth({ config: new CcgConfig({ clientId, clientSecret, enterpriseId }) }));

const appUser = (name: string, externalAppUserId: string) => ({
  name,
  externalAppUserId,
  isPlatformAccessOnly: true,
});

const apiError = (call: Promise<unknown>): Promise<BoxApiError> =>
  call.then(
    () => Promise.reject(new Error('it was answered')),
    (error: unknown) => (error instanceof BoxApiError ? error : Promise.reject(error as Error)),
  );

describe('box-node-sdk, pointed at the twin,', () => {
  it('creates a group, is refused a second one, finds it, and adds and removes a member', async () => {
    const client = ccgClient();
    const { id: userId } = await client.users.createUser(appUser('Ada Example', '00u1'));
    const group = await client.groups.createGroup({ name: 'Sales', provenance: 'Okta' });
    const refused = await apiError(client.groups.createGroup({ name: 'Sales' }));
    expect(refused.responseInfo.statusCode).toBe(409);
    const found = await client.groups.getGroups({ filterTerm: 'Sal', fields: ['name', 'provenance'] });
    expect(found.entries).toMatchObject([{ id: group.id, name: 'Sales', provenance: 'Okta' }]);

    const made = await client.memberships.createGroupMembership({
      user: { id: userId },
      group: { id: group.id },
    });
    expect(made).toMatchObject({ role: 'member', user: { id: userId }, group: { id: group.id } });
    const again = client.memberships.createGroupMembership({ user: { id: userId }, group: { id: group.id } });
    expect((await apiError(again)).responseInfo.statusCode).toBe(409);
    const [listed] = (await client.memberships.getGroupMemberships(group.id)).entries ?? [];
    expect(listed?.id).toBe(made.id);
    await client.memberships.deleteGroupMembershipById(made.id ?? '');
    expect((await client.memberships.getUserMemberships(userId)).entries).toEqual([]);

    expect((await client.groups.updateGroupById(group.id, { requestBody: { name: 'Traders' } })).name).toBe(
      'Traders',
    );
    await client.groups.deleteGroupById(group.id);
    expect((await apiError(client.groups.getGroupById(group.id))).responseInfo.statusCode).toBe(404);
  });

  it('creates a user, is refused a second one, looks up, updates, acts as the user and deletes', async () => {
    const client = ccgClient();
    const made = await client.users.createUser(appUser('Ada Example', '00u1'));
    expect(made.login).toMatch(/^AppUser_/);

    const refused = await apiError(client.users.createUser(appUser('Ada', '00u1')));
    expect(refused.responseInfo.statusCode).toBe(409);
    const context = object(object(refused.responseInfo.body).context_info);
    expect(rows(context.conflicts)[0]?.id).toBe(made.id);

    const found = await client.users.getUsers({
      externalAppUserId: '00u1',
      fields: ['id', 'external_app_user_id'],
    });
    expect(found.entries?.map((user) => [user.id, user.externalAppUserId])).toEqual([[made.id, '00u1']]);

    const changed = await client.users.updateUserById(made.id, { requestBody: { jobTitle: 'Countess' } });
    expect(changed.jobTitle).toBe('Countess');

    const asUser = { extraHeaders: { 'as-user': made.id } };
    const folder = await client.folders.createFolder(
      { name: 'Notes', parent: { id: '0' } },
      { headers: asUser },
    );
    const items = await client.folders.getFolderItems('0', { headers: asUser });
    expect(items.entries?.map((item) => item.id)).toEqual([folder.id]);
    expect((await client.withAsUserHeader(made.id).users.getUserMe()).id).toBe(made.id);

    expect((await apiError(client.users.deleteUserById(made.id))).responseInfo.statusCode).toBe(400);
    await client.users.deleteUserById(made.id, { queryParams: { force: true } });
    expect((await apiError(client.users.getUserById(made.id))).responseInfo.statusCode).toBe(404);
  });

  it('authenticates with a JWT whose audience is Box and which has no key id', async () => {
    await twin.control('PUT', 'apps', { clientId, publicKeys: [publicKey] });
    const keys = { clientId, clientSecret, jwtKeyId: 'sample', privateKey, privateKeyPassphrase: passphrase };
    const client = clientWith(new BoxJwtAuth({ config: new JwtConfig({ ...keys, enterpriseId }) }));
    expect((await client.users.getUserMe()).login).toMatch(/^AutomationUser_/);
    const user = await client.users.createUser(appUser('Ada', '00u1'));
    const own = clientWith(new BoxJwtAuth({ config: new JwtConfig({ ...keys, userId: user.id }) }));
    expect((await own.users.getUserMe()).id).toBe(user.id);
  });

  it('requests a new token when the old one has expired', async () => {
    const client = ccgClient();
    await client.users.getUserMe();
    await twin.control('PUT', 'settings', { clockOffsetMs: 4_000_000 });
    expect((await client.users.getUserMe()).login).toMatch(/^AutomationUser_/);
    expect((await twin.calls()).map(({ path, status }) => [path, status])).toEqual([
      ['/oauth2/token', 200],
      ['/2.0/users/me', 200],
      ['/2.0/users/me', 401],
      ['/oauth2/token', 200],
      ['/2.0/users/me', 200],
    ]);
  });

  it('sends a create again after the connection was cut, and gets the user that it created', async () => {
    const client = ccgClient();
    await twin.control('POST', 'faults', {
      match: { method: 'POST', path: '/2.0/users' },
      kind: 'resetAfter',
    });
    const refused = await apiError(client.users.createUser(appUser('Ada', '00u1')));
    expect(refused.responseInfo.statusCode).toBe(409);
    const creates = (await twin.calls()).filter(({ path }) => path === '/2.0/users');
    expect(creates.map(({ status, end }) => [status, end])).toEqual([
      [201, 'cut'],
      [409, 'answered'],
    ]);
  });

  it('throws after the create when the notification email is an empty list', async () => {
    const client = ccgClient();
    await twin.control('PUT', 'settings', { notificationEmail: 'emptyArray' });
    await expect(client.users.createUser(appUser('Ada', '00u1'))).rejects.toThrow(
      'UserNotificationEmailField',
    );
    expect((await twin.state()).users).toHaveLength(2);
  });

  it('pages through users by marker', async () => {
    const client = ccgClient();
    const people = Array.from({ length: 5 }, (_, at) => ({ name: `P${at}`, externalId: `x${at}` }));
    await twin.control('POST', 'seed', { users: people });
    const names: (string | undefined)[] = [];
    let marker: string | undefined;
    do {
      const page = await client.users.getUsers({ usemarker: true, limit: 2, marker });
      names.push(...(page.entries ?? []).map((user) => user.name));
      marker = page.nextMarker ?? undefined;
    } while (marker !== undefined && marker !== '');
    expect(names).toEqual(people.map(({ name }) => name));
  });
});
