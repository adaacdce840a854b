import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createBox, type Box } from '@foyer/box';
import {
  Intake,
  openTenant,
  PrismaCallLog,
  PrismaConvergenceStore,
  PrismaGroupStore,
  ScimGroups,
} from '@foyer/persistence';
import { createTestDatabase, plant, samplePerson, type TestDatabase } from '@foyer/persistence/testing';
import { runGroupAttempt, runAttempt } from '@foyer/provisioning';
import { commands } from './commands/index.ts';
import { run } from './run.ts';
import { Terminal } from './terminal.ts';

const LEASE_MS = 30_000;
const twinMain = (twin: 'box' | 'okta') =>
  fileURLToPath(new URL(`../../twins/src/${twin}/main.ts`, import.meta.url));
// The built program, as an operator runs it.
const operatorMain = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const source = ['--conditions', '@foyer/source'];

export interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** A twin in a process of its own. */
export async function startTwin(
  twin: 'box' | 'okta',
  env: Record<string, string>,
): Promise<{ url: string; stop: () => Promise<void> }> {
  const child = spawn(process.execPath, [...source, twinMain(twin)], {
    env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const { url } = JSON.parse(line) as { url: string };
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
  };
  return { url, stop };
}

/** A database, a Box twin, and the commands that use them. */
export class OperatorWorld {
  readonly db: TestDatabase;
  readonly boxUrl: string;
  private readonly stops: (() => Promise<unknown>)[];

  private constructor(db: TestDatabase, boxUrl: string, stops: (() => Promise<unknown>)[]) {
    this.db = db;
    this.boxUrl = boxUrl;
    this.stops = stops;
  }

  static async start(): Promise<OperatorWorld> {
    const db = await createTestDatabase();
    const twin = await startTwin('box', { BOX_TWIN_PORT: '0', BOX_TWIN_RATE_LIMIT: '0' });
    return new OperatorWorld(db, twin.url, [twin.stop, () => db.drop()]);
  }

  async stop(): Promise<void> {
    for (const stop of this.stops) await stop();
  }

  async box(method: 'GET' | 'PUT' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${this.boxUrl}/_control/${path}`, {
      method,
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${method} /_control/${path}: ${await response.text()}`);
    return response.status === 204 ? undefined : await response.json().catch(() => undefined);
  }

  async tenant(): Promise<TenantWorld> {
    await this.box('POST', 'reset');
    const slug = `t-${randomUUID()}`;
    return new TenantWorld(this, slug, await openTenant(this.db.database, slug));
  }
}

/** One tenant, with the Box twin to itself. */
export class TenantWorld {
  private readonly world: OperatorWorld;
  readonly slug: string;
  readonly tenantId: string;
  readonly intake: Intake;
  readonly box: Box;
  private readonly store: PrismaConvergenceStore;

  constructor(world: OperatorWorld, slug: string, tenantId: string) {
    const { database } = world.db;
    this.world = world;
    this.slug = slug;
    this.tenantId = tenantId;
    this.intake = new Intake(database, tenantId);
    this.store = new PrismaConvergenceStore(database, tenantId, { leaseMs: LEASE_MS, relayGraceMs: 5_000 });
    this.box = createBox({
      auth: {
        kind: 'ccg',
        clientId: 'twin-box-client',
        clientSecret: 'twin-box-secret',
        enterpriseId: '900100',
      },
      baseUrl: world.boxUrl,
      log: new PrismaCallLog(database, tenantId, LEASE_MS),
    });
  }

  get environment(): Record<string, string> {
    return {
      DATABASE_URL: this.world.db.url,
      FOYER_TENANT: this.slug,
      BOX_BASE_URL: this.world.boxUrl,
      BOX_CLIENT_ID: 'twin-box-client',
      BOX_CLIENT_SECRET: 'twin-box-secret',
      BOX_ENTERPRISE_ID: '900100',
      BOX_TIMEOUT_MS: '1000',
      OKTA_ISSUER_URI: 'https://example.okta.com',
    };
  }

  async sql<Row>(text: string, values: unknown[] = []): Promise<Row[]> {
    return (await this.world.db.database.pool.query(text, values)).rows as Row[];
  }

  /** Like `sql`, for rows of the audit log that need an explicit time. */
  plant = (text: string, values: unknown[] = []): Promise<{ id: string }[]> =>
    plant(this.world.db.database, text, values);

  /** A new person and their open request, which no worker has started. */
  async admit(
    subject = `00u${randomUUID().slice(0, 13)}`,
  ): Promise<{ requestId: string; identityId: string; subject: string }> {
    const admission = await this.intake.admit(
      samplePerson({ subject, username: `${subject}@example.com`, name: `Person ${subject}` }),
      'api',
    );
    if (admission.kind !== 'requested') throw new Error(admission.kind);
    return { requestId: admission.requestId, identityId: admission.identity.id, subject };
  }

  /** Works on a request as a worker does, until it ends or has to wait for its next attempt. */
  async work(requestId: string, attempts = 1): Promise<void> {
    await runAttempt(requestId, { ...this.attempting(attempts), store: this.store });
  }

  /** A new group as a SCIM client pushes it, and its open request, which no worker has started. */
  async group(displayName: string): Promise<{ groupId: string; requestId: string }> {
    const groups = new ScimGroups(this.world.db.database, this.tenantId);
    const { resource, requests } = await groups.create({ displayName }, []);
    return { groupId: resource.id, requestId: requests[0]!.requestId };
  }

  /** Like `work`, for the request of a group. */
  async workOnGroup(requestId: string): Promise<void> {
    const limits = { leaseMs: LEASE_MS, relayGraceMs: 5_000 };
    const store = new PrismaGroupStore(this.world.db.database, this.tenantId, limits);
    await runGroupAttempt(requestId, { ...this.attempting(1), store });
  }

  private attempting(attempts: number) {
    return {
      box: this.box,
      policy: { attempts, baseMs: 1, maxMs: 1 },
      stopping: new AbortController().signal,
      tell: () => undefined,
    };
  }

  /** A person with their Box user. */
  async person(): Promise<{ requestId: string; identityId: string; subject: string; boxUserId: string }> {
    const admitted = await this.admit();
    await this.work(admitted.requestId);
    const [row] = await this.sql<{ box_user_id: string }>(
      'SELECT box_user_id FROM box_account WHERE identity_id = $1',
      [admitted.identityId],
    );
    return { ...admitted, boxUserId: row!.box_user_id };
  }

  /** Many people with their Box users, inserted at once. */
  async people(count: number): Promise<void> {
    const names = Array.from({ length: count }, (_, at) => `bulk-${at}`);
    const seeded = (await this.world.box('POST', 'seed', {
      users: names.map((name) => ({ name, externalId: name })),
    })) as { users: { id: string; externalId: string }[] };
    await this.sql(
      `WITH made AS (
         INSERT INTO identity (tenant_id, issuer, subject, username, name)
         SELECT $1, 'https://example.okta.com', s, s || '@example.com', s FROM unnest($2::text[]) s RETURNING id, subject)
       INSERT INTO box_account (identity_id, tenant_id, box_user_id, name, status, applied_generation)
       SELECT made.id, $1, x.id, made.subject, 'active', 1
       FROM made JOIN unnest($2::text[], $3::text[]) AS x (subject, id) ON x.subject = made.subject`,
      [this.tenantId, names, seeded.users.map((user) => user.id)],
    );
  }

  /** Runs a command in this process. */
  run(...args: string[]): Promise<Ran> {
    return this.runWith({}, ...args);
  }

  async runWith(
    given: {
      input?: AsyncIterable<Uint8Array>;
      stopping?: AbortSignal;
      environment?: Record<string, string>;
    },
    ...args: string[]
  ): Promise<Ran> {
    let [out, err] = ['', ''];
    const terminal = new Terminal({ write: (text) => (out += text) }, { write: (text) => (err += text) });
    const stopping = new AbortController().signal;
    const environment = this.environment;
    const status = await run({ args, commands, terminal, stopping, environment, ...given });
    return { status, out, err };
  }

  /** Works on every open request until `end` is settled. */
  async workUntil<T>(end: Promise<T>): Promise<T> {
    let ended = false;
    const settled = end.finally(() => (ended = true));
    settled.catch(() => undefined);
    while (!ended) {
      const open = await this.sql<{ id: string }>(
        'SELECT id FROM provisioning_request WHERE tenant_id = $1 AND due_at IS NOT NULL ORDER BY created_at',
        [this.tenantId],
      );
      for (const { id } of open) await this.work(id);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return settled;
  }

  /** Starts a command in a process of its own; `environment` adds to the tenant's. */
  start(args: readonly string[], environment: Record<string, string> = {}) {
    const child = spawn(process.execPath, [operatorMain, ...args], {
      env: { PATH: process.env.PATH, ...this.environment, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [out, err] = ['', ''];
    child.stdout.on('data', (data: Buffer) => (out += data.toString()));
    child.stderr.on('data', (data: Buffer) => (err += data.toString()));
    const ended = once(child, 'exit').then(([status]) => ({ status: status as number | null, out, err }));
    return { child, ended };
  }
}
