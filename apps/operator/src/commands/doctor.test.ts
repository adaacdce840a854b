import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { ProcessHeartbeat } from '@foyer/persistence';
import { OperatorWorld, startTwin, type TenantWorld } from '../operator.harness.ts';

interface Result {
  readonly name: string;
  readonly state: string;
  readonly detail: string;
  readonly remedy: string | null;
}

const containing = (text: string): unknown => expect.stringContaining(text);
const matching = (pattern: RegExp): unknown => expect.stringMatching(pattern);

let world: OperatorWorld;
let tenant: TenantWorld;
let okta: Awaited<ReturnType<typeof startTwin>>;
beforeAll(async () => {
  world = await OperatorWorld.start();
  okta = await startTwin('okta', { OKTA_TWIN_PORT: '0' });
});
beforeEach(async () => {
  tenant = await world.tenant();
});
afterAll(async () => {
  await okta.stop();
  await world.stop();
});

const settings = (): Record<string, string> => ({
  ...tenant.environment,
  FOYER_BASE_URL: 'http://localhost:3000',
  OKTA_ISSUER_URI: okta.url,
  OKTA_CLIENT_ID: 'twin-okta-client',
  OKTA_CLIENT_SECRET: 'twin-okta-secret',
});

/** Runs the doctor with some settings changed, or removed (undefined). */
async function examine(changes: Record<string, string | undefined> = {}) {
  const changed = Object.entries({ ...settings(), ...changes });
  const environment = Object.fromEntries(
    changed.filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  const { status, out } = await tenant.runWith({ environment }, 'doctor', '--json');
  const results = JSON.parse(out) as Result[];
  const found = (name: string) => results.find((result) => result.name === name)!;
  return { status, results, found, wrong: results.filter(({ state }) => state === 'failed') };
}

const beat = async (clock?: number) => {
  for (const app of ['gateway', 'provisioner'] as const)
    await new ProcessHeartbeat(world.db.database, tenant.tenantId, app).beat(clock);
};

const metadataOf = (issuer: string) => ({
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  jwks_uri: `${issuer}/keys`,
});

/** A port on which no process listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

it('reports no problem for a tenant whose parts all work', async () => {
  await beat();
  await tenant.person();
  const { results, wrong } = await examine();
  expect(wrong).toEqual([]);
  expect(results.map(({ name, state }) => [name, state])).toEqual([
    // The test run connects as the database's superuser, and the check warns about that.
    ['database', 'warning'],
    ['migrations', 'ok'],
    ['clock of this machine', 'ok'],
    ['queue', 'ok'],
    ['gateways and provisioners', 'ok'],
    ['clocks of the processes', 'ok'],
    ['work', 'ok'],
    ['issuer', 'ok'],
    ['clock against the issuer', 'ok'],
    ['signing keys', 'ok'],
    ['client secret', 'ok'],
    ['issuer of access tokens', 'ok'],
    ['Box credentials and the right to manage users', 'ok'],
    ['right to manage groups', 'ok'],
    ['acting as users', 'ok'],
    ['Box app of the accounts', 'ok'],
    ['SCIM tokens', 'not checked'],
  ]);
});

it('prints a line for each part, with its remedy, and ends with 1 when something is wrong', async () => {
  const { status, out } = await tenant.runWith({ environment: settings() }, 'doctor');
  expect(status).toBe(1);
  expect(out).toMatch(/^ok {11}migrations: All migrations are applied\.$/m);
  expect(out).toMatch(
    /^FAILED {7}gateways and provisioners: 0 gateways and 0 provisioners run\.\n {13}Start a gateway and a provisioner/m,
  );
});

describe('each problem is found, with its remedy:', () => {
  it('an unavailable database, while all parts that do not need it are checked', async () => {
    const port = await closedPort();
    const { status, found } = await examine({ DATABASE_URL: `postgresql://foyer@127.0.0.1:${port}/foyer` });
    expect(status).toBe(1);
    expect(found('database')).toMatchObject({
      state: 'failed',
      remedy: containing('DATABASE_URL'),
    });
    expect(found('migrations')).toBeUndefined();
    expect(found('tenant')).toMatchObject({ state: 'not checked' });
    expect(found('issuer').state).toBe('ok');
    expect(found('client secret').state).toBe('ok');
  });

  it('a database that allows no writes, which is not taken for a fault of Box', async () => {
    const url = new URL(tenant.environment.DATABASE_URL!);
    url.searchParams.set('options', '-c default_transaction_read_only=on');
    const { status, found, wrong } = await examine({ DATABASE_URL: url.href });
    expect(status).toBe(1);
    expect(wrong).toEqual([found('database')]);
    expect(found('database')).toMatchObject({
      detail: containing('which allows no writes'),
      remedy: containing('primary'),
    });
  });

  it('a tenant that does not exist, which is not created', async () => {
    const { found } = await examine({ FOYER_TENANT: 'nobody-has-this' });
    expect(found('tenant')).toMatchObject({
      state: 'failed',
      detail: containing('nobody-has-this'),
    });
    expect(await tenant.sql(`SELECT FROM tenant WHERE slug = 'nobody-has-this'`)).toEqual([]);
  });

  it('a queue that does not answer', async () => {
    const { found } = await examine({ REDIS_URL: `redis://127.0.0.1:${await closedPort()}` });
    expect(found('queue')).toMatchObject({ state: 'failed', remedy: containing('REDIS_URL') });
  });

  it('clocks of processes that are wrong', async () => {
    await beat(Date.now() - 300_000);
    const { found } = await examine();
    expect(found('clocks of the processes')).toMatchObject({
      state: 'failed',
      detail: matching(/gateway \S+ is \d+\.\d s behind the database; provisioner/),
      remedy: containing('NTP'),
    });
  });

  it('requests that no worker starts', async () => {
    const { requestId } = await tenant.admit();
    await tenant.sql(
      `UPDATE provisioning_request SET created_at = created_at - interval '2 minutes' WHERE id = $1`,
      [requestId],
    );
    expect((await examine()).found('work')).toMatchObject({
      state: 'failed',
      detail: matching(/^1 request is queued, the oldest for 12\d s\.$/),
    });
  });

  it.each([
    ['a wrong client secret', { OKTA_CLIENT_SECRET: 'wrong' }],
    ['an unknown client id', { OKTA_CLIENT_ID: 'unknown' }],
  ])('%s', async (_what, change) => {
    const { found } = await examine(change);
    expect(found('client secret')).toMatchObject({
      state: 'failed',
      remedy: containing('OKTA_CLIENT_SECRET'),
    });
  });

  it('an issuer whose metadata name another issuer, with both spellings', async () => {
    const other = okta.url.replace('127.0.0.1', 'localhost');
    const { found } = await examine({ OKTA_ISSUER_URI: other });
    expect(found('issuer').state).toBe('failed');
    expect(found('issuer').detail).toContain(other);
    expect(found('issuer').detail).toContain(okta.url);
  });

  it('a configured issuer of access tokens that does not exist; one that was only derived is not required', async () => {
    const { found } = await examine({ OKTA_API_ISSUER_URI: `${okta.url}/oauth2/none` });
    expect(found('issuer of access tokens')).toMatchObject({
      state: 'warning',
      detail: matching(/^OKTA_API_ISSUER_URI is .*oauth2\/none, but no provider answers there/),
      remedy: containing('OKTA_API_ISSUER_URI'),
    });
    const front = createServer((request, response) => {
      const isApi = request.url?.startsWith('/oauth2/') === true;
      if (isApi) response.writeHead(404).end('{}');
      else response.end(JSON.stringify(metadataOf(address)));
    }).listen(0, '127.0.0.1');
    await once(front, 'listening');
    const address = `http://127.0.0.1:${(front.address() as AddressInfo).port}`;
    try {
      const bare = await examine({ OKTA_ISSUER_URI: address });
      expect(bare.found('issuer').state).toBe('ok');
      expect(bare.found('issuer of access tokens').state).toBe('not checked');
    } finally {
      front.close();
      front.closeAllConnections();
    }
  });

  it('an issuer that does not answer', async () => {
    const { found } = await examine({ OKTA_ISSUER_URI: `http://127.0.0.1:${await closedPort()}` });
    expect(found('issuer')).toMatchObject({ state: 'failed', remedy: containing('reaches') });
  });

  it('Box credentials that are refused', async () => {
    const { found } = await examine({ BOX_CLIENT_SECRET: 'wrong' });
    expect(found('Box credentials and the right to manage users')).toMatchObject({
      state: 'failed',
      detail: containing('box_auth_failed'),
    });
  });

  it.each([
    ['manage groups', '/2.0/groups', 'right to manage groups'],
    ['act as users', '/2.0/folders/0/items', 'acting as users'],
  ])('a Box app that may not %s', async (_what, path, name) => {
    await tenant.person();
    await world.box('POST', 'faults', { kind: 'status', status: 403, match: { method: 'GET', path } });
    const { found } = await examine();
    expect(found(name)).toMatchObject({
      state: 'failed',
      remedy: containing('configure-box.md'),
    });
  });

  it('a different Box app from that of the accounts', async () => {
    await tenant.sql(
      `UPDATE tenant SET box_client_id = 'another', box_enterprise_id = '1', box_bound_at = now() WHERE id = $1`,
      [tenant.tenantId],
    );
    expect((await examine()).found('Box app of the accounts').state).toBe('failed');
  });

  it('SCIM tokens: one that was never used, and one that is about to expire', async () => {
    await tenant.run('scim-token', 'create', '--name', 'okta');
    expect((await examine()).found('SCIM tokens')).toMatchObject({ state: 'warning' });
    await tenant.sql('UPDATE scim_token SET last_used_at = now() WHERE tenant_id = $1', [tenant.tenantId]);
    expect((await examine()).found('SCIM tokens')).toMatchObject({ state: 'ok' });
    await tenant.sql(`UPDATE scim_token SET expires_at = now() + interval '3 days' WHERE tenant_id = $1`, [
      tenant.tenantId,
    ]);
    expect((await examine()).found('SCIM tokens').detail).toContain('expires at');
  });
});

it('names the variables that are missing, and checks the rest', async () => {
  const { found, status } = await examine({
    OKTA_CLIENT_SECRET: undefined,
    BOX_CLIENT_SECRET: undefined,
  });
  expect(found('issuer')).toMatchObject({
    state: 'not checked',
    detail: containing('OKTA_CLIENT_SECRET is missing'),
  });
  expect(found('Box credentials')).toMatchObject({
    state: 'not checked',
    detail: containing('BOX_CLIENT_SECRET is missing'),
  });
  expect(status).toBe(1);
});

it('prints no secret', async () => {
  const environment = {
    ...settings(),
    OKTA_CLIENT_SECRET: 'a-very-secret-one',
    BOX_CLIENT_SECRET: 'b-very-secret-one',
  };
  const { out, err } = await tenant.runWith({ environment }, 'doctor');
  expect(out + err).not.toContain('very-secret');
});
