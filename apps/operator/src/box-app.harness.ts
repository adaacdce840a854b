import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createBox } from '@foyer/box';
import { Intake, openTenant, PrismaCallLog, PrismaConvergenceStore, TenantBoxApp } from '@foyer/persistence';
import { createTestDatabase, samplePerson, type TestDatabase } from '@foyer/persistence/testing';
import { runAttempt, type BoxApp } from '@foyer/provisioning';
import { commands } from './commands/index.ts';
import { run } from './run.ts';
import { Terminal } from './terminal.ts';

const LEASE_MS = 30_000;
const ENTERPRISE = '900100';
const twinMain = fileURLToPath(new URL('../../twins/src/box/main.ts', import.meta.url));

/** A Box twin with two apps, and a database. */
export class TwoApps {
  static readonly first: BoxApp = { clientId: 'twin-box-client', enterpriseId: ENTERPRISE };
  static readonly second: BoxApp = { clientId: 'second-client', enterpriseId: ENTERPRISE };
  readonly test: TestDatabase;
  readonly url: string;
  readonly stop: () => Promise<void>;

  private constructor(test: TestDatabase, url: string, stop: () => Promise<void>) {
    this.test = test;
    this.url = url;
    this.stop = stop;
  }

  static async start(): Promise<TwoApps> {
    const test = await createTestDatabase();
    const twin = spawn(process.execPath, ['--conditions', '@foyer/source', twinMain], {
      env: {
        PATH: process.env.PATH,
        NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
        BOX_TWIN_PORT: '0',
        BOX_TWIN_RATE_LIMIT: '0',
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface({ input: twin.stdout }), 'line')) as [string];
    const world = new TwoApps(test, (JSON.parse(line) as { url: string }).url, async () => {
      const ended = once(twin, 'exit');
      twin.kill('SIGTERM');
      await ended;
      await test.drop();
    });
    await world.control('PUT', 'apps', { clientId: 'second-client', clientSecret: 'twin-box-secret' });
    return world;
  }

  async control<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await fetch(`${this.url}/_control/${path}`, {
      method,
      body: body && JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  /** The ids of the Box users with this external id, by app. */
  async usersOf(subject: string): Promise<{ id: string; clientId: string }[]> {
    const { users } = await this.control<{
      users: { id: string; clientId: string; externalId: string | null }[];
    }>('GET', 'state');
    return users.filter(({ externalId }) => externalId === subject);
  }

  /** Deletes a Box user like an administrator in Box's console. */
  async deleteUser(app: BoxApp, boxUserId: string): Promise<void> {
    await this.asAdministrator(app, 'DELETE', `${boxUserId}?force=true`, 204);
  }

  /** Gives a Box user another external id, as another program that uses the same Box app may do. */
  async changeExternalId(app: BoxApp, boxUserId: string, externalId: string): Promise<void> {
    await this.asAdministrator(app, 'PUT', boxUserId, 200, { external_app_user_id: externalId });
  }

  private async asAdministrator(
    { clientId }: BoxApp,
    method: string,
    path: string,
    expected: number,
    body?: object,
  ): Promise<void> {
    const token = await fetch(`${this.url}/oauth2/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: clientId,
        client_secret: 'twin-box-secret',
        box_subject_type: 'enterprise',
        box_subject_id: ENTERPRISE,
      }),
    });
    const { access_token: bearer } = (await token.json()) as { access_token: string };
    const response = await fetch(`${this.url}/2.0/users/${path}`, {
      method,
      headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
      body: body && JSON.stringify(body),
    });
    if (response.status !== expected) throw new Error(`Box answered ${response.status}.`);
  }

  async tenant(bound: BoxApp = TwoApps.first): Promise<TenantOfTwo> {
    const slug = `t-${randomUUID()}`;
    const tenantId = await openTenant(this.test.database, slug);
    await new TenantBoxApp(this.test.database, tenantId, bound).bind();
    return new TenantOfTwo(this, slug, tenantId);
  }
}

/** A tenant on that database and twin, its worker and its operator. */
export class TenantOfTwo {
  private readonly world: TwoApps;
  private readonly slug: string;
  readonly tenantId: string;

  constructor(world: TwoApps, slug: string, tenantId: string) {
    this.world = world;
    this.slug = slug;
    this.tenantId = tenantId;
  }

  async newcomer(subject = `00u${randomUUID()}`) {
    const admission = await new Intake(this.world.test.database, this.tenantId).admit(
      samplePerson({ subject }),
      'api',
    );
    if (admission.kind !== 'requested') throw new Error(admission.kind);
    return { requestId: admission.requestId, identityId: admission.identity.id, subject };
  }

  /** Makes one attempt at each open request, as a provisioner of this app does. Returns the reported events. */
  async work({ clientId, enterpriseId }: BoxApp): Promise<string[]> {
    const { database } = this.world.test;
    const open = await database.prisma.provisioningRequest.findMany({
      where: { tenantId: this.tenantId, finishedAt: null },
      select: { id: true },
    });
    const box = createBox({
      auth: { kind: 'ccg', clientId, clientSecret: 'twin-box-secret', enterpriseId },
      baseUrl: this.world.url,
      log: new PrismaCallLog(database, this.tenantId, LEASE_MS),
    });
    const store = new PrismaConvergenceStore(database, this.tenantId, {
      leaseMs: LEASE_MS,
      relayGraceMs: 5_000,
      boxApp: { clientId, enterpriseId },
    });
    const news: string[] = [];
    const stopping = new AbortController().signal;
    const policy = { attempts: 1, baseMs: 1, maxMs: 1 };
    for (const { id } of open)
      await runAttempt(id, { store, box, policy, stopping, tell: ({ kind }) => news.push(kind) });
    await box.close();
    return news;
  }

  /** A person with a Box user of the first app. */
  async mapped() {
    const person = await this.newcomer();
    await this.work(TwoApps.first);
    const account = await this.account(person.identityId);
    return { ...person, boxUserId: account!.boxUserId };
  }

  async account(identityId: string): Promise<{ boxUserId: string } | null> {
    return this.world.test.database.prisma.boxAccount.findUnique({ where: { identityId } });
  }

  /** Runs a command as an operator whose configuration names this app. */
  async foyer(app: BoxApp, args: readonly string[], env: Record<string, string> = {}) {
    let [out, err] = ['', ''];
    const status = await run({
      args,
      commands,
      terminal: new Terminal({ write: (text) => (out += text) }, { write: (text) => (err += text) }),
      stopping: new AbortController().signal,
      environment: {
        DATABASE_URL: this.world.test.url,
        FOYER_TENANT: this.slug,
        BOX_BASE_URL: this.world.url,
        BOX_CLIENT_ID: app.clientId,
        BOX_CLIENT_SECRET: 'twin-box-secret',
        BOX_ENTERPRISE_ID: app.enterpriseId,
        ...env,
      },
    });
    return { status, out, err };
  }
}
