import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import pg from 'pg';
import { Bench, everyLane, jobFor, over, until } from './bench.harness.ts';
import { queueContract } from './contract.harness.ts';
import { GuardedConnection } from './postgres-connection.ts';
import { faultsContract } from './faults.contract.harness.ts';
import { postgresServer, type Server } from './servers.harness.ts';

let server: Server;
beforeAll(async () => {
  server = await postgresServer();
  await server.start();
});
afterAll(() => server.remove());

/** Runs one statement as the superuser; in the given database, if any. */
async function sql<R extends pg.QueryResultRow>(
  text: string,
  databaseUrl = server.address.databaseUrl,
): Promise<R[]> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  try {
    return (await client.query<R>(text)).rows;
  } finally {
    await client.end();
  }
}

/** The server with a new database, and a role that has no other rights. */
async function onNewDatabase(
  grant: (names: { role: string; database: string }) => string[],
): Promise<Server> {
  const name = `n${randomUUID().replaceAll('-', '')}`;
  await sql(`CREATE ROLE ${name} LOGIN PASSWORD 'plain'`);
  await sql(`CREATE DATABASE ${name}`);
  const url = new URL(server.address.databaseUrl);
  url.pathname = `/${name}`;
  for (const statement of grant({ role: name, database: name })) await sql(statement, url.href);
  url.username = name;
  url.password = 'plain';
  return { ...server, address: { databaseUrl: url.href } };
}

describe('the queue on PostgreSQL', () => {
  queueContract(
    () => server,
    (port) => ({ databaseUrl: `postgres://nobody@127.0.0.1:${port}/none` }),
    async () => {
      const client = new pg.Client(server.address.databaseUrl);
      await client.connect();
      await client.query('BEGIN');
      await client.query('LOCK TABLE foyer_queue.job, foyer_queue.meta IN ACCESS EXCLUSIVE MODE');
      return () => client.end();
    },
  );

  faultsContract(() => server, 'databaseUrl');

  it("sets the server's limits on statements, locks and idle transactions", async () => {
    const { hostname, port } = new URL(server.address.databaseUrl);
    const greetings: string[] = [];
    const listener = createServer((near) => {
      const far = connect(Number(port), hostname);
      near.once('data', (chunk) => greetings.push(chunk.toString('latin1')));
      near.pipe(far).pipe(near);
      near.on('error', () => far.destroy());
      far.on('error', () => near.destroy());
    });
    await once(listener.listen(0, '127.0.0.1'), 'listening');
    const { port: ours } = listener.address() as AddressInfo;
    const databaseUrl = Object.assign(new URL(server.address.databaseUrl), {
      host: `127.0.0.1:${ours}`,
    }).href;
    const bench = new Bench({ ...server, address: { databaseUrl } });
    const queue = bench.queue();
    await bench.consumer(() => over);
    await queue.ping(10_000);
    await bench.close();
    listener.close();
    expect(greetings.length).toBeGreaterThan(0);
    for (const greeting of greetings) {
      expect(greeting).toMatch(/\0statement_timeout\x00(10|25)000\0/);
      expect(greeting).toMatch(/\0idle_in_transaction_session_timeout\x0030000\0/);
    }
    // All except the connection that upgrades the schema, which may have to wait for another process.
    expect(greetings.filter((greeting) => greeting.includes('lock_timeout\x008000')).length).toBeGreaterThan(
      0,
    );
  });

  describe('its schema', () => {
    const worksOn = async (place: Server): Promise<void> => {
      const bench = new Bench(place);
      const queue = bench.queue();
      try {
        await Promise.all([bench.consumer(() => over), bench.consumer(() => over), queue.ping(10_000)]);
        const id = randomUUID();
        await queue.add([jobFor(id)], 5_000);
        await bench.empty(queue);
        expect(bench.taken).toEqual([id]);
        expect(bench.errors).toEqual([]);
      } finally {
        await bench.close();
      }
    };

    it('is created by the first process, also of several at once, as the owner of an empty database', async () => {
      await worksOn(
        await onNewDatabase(({ role, database }) => [`ALTER DATABASE ${database} OWNER TO ${role}`]),
      );
    });

    it('works when it was created for a role without the right to create one', async () => {
      await worksOn(await onNewDatabase(({ role }) => [`CREATE SCHEMA foyer_queue AUTHORIZATION ${role}`]));
    });

    it('is reported as missing when the role can neither create nor use it, and the queue is not ready', async () => {
      const bench = new Bench(await onNewDatabase(() => []));
      await expect(bench.queue().ping(500)).rejects.toMatchObject({ name: 'TimeoutError' });
      expect(bench.errors[0]?.message).toContain('permission denied for database');
      await bench.close();
    });

    it('is created again when it is dropped while the queue runs', async () => {
      const place = await onNewDatabase(({ role, database }) => [
        `ALTER DATABASE ${database} OWNER TO ${role}`,
      ]);
      const bench = new Bench(place);
      const queue = bench.queue();
      await bench.consumer(() => over);
      await queue.add([jobFor(randomUUID())], 5_000);
      await until('the first job', () => bench.taken.length === 1);
      // The running queue may block the drop, so it is repeated, as an operator would.
      await until('the schema is gone', () =>
        sql('DROP SCHEMA IF EXISTS foyer_queue CASCADE', place.address.databaseUrl).then(
          () => true,
          () => false,
        ),
      );
      const id = randomUUID();
      await until('an add', () =>
        queue.add([jobFor(id)], 5_000).then(
          () => true,
          () => false,
        ),
      );
      await until('the job', () => bench.taken.includes(id));
      await bench.close();
    });

    it('keeps no finished jobs, and few events', async () => {
      const bench = new Bench(server);
      const queue = bench.queue();
      await queue.ping(5_000);
      await bench.consumer(() => over, { concurrency: everyLane(8) });
      for (let round = 0; round < 6; round += 1) {
        await queue.add(
          Array.from({ length: 50 }, () => jobFor(randomUUID())),
          5_000,
        );
      }
      await bench.empty(queue);
      const [left] = await sql<{ jobs: string; events: string }>(
        `SELECT (SELECT count(*) FROM foyer_queue.job WHERE queue LIKE '${bench.prefix}%') AS jobs,
                (SELECT count(*) FROM foyer_queue.event WHERE queue LIKE '${bench.prefix}%') AS events`,
      );
      expect(bench.taken).toHaveLength(300);
      expect(left?.jobs).toBe('0');
      expect(Number(left?.events)).toBeLessThan(500);
      await bench.close();
    });
  });

  it('keeps working while PostgreSQL terminates its connections one after another, beginning with the first', async () => {
    const bench = new Bench(server);
    const stopped = new AbortController();
    const ending = (async () => {
      while (!stopped.signal.aborted)
        await sql(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
           WHERE application_name <> '' AND pid <> pg_backend_pid() AND random() < 0.5`,
        );
    })();
    const queue = bench.queue();
    await bench.consumer(() => over);
    const ids = Array.from({ length: 10 }, () => randomUUID());
    for (const id of ids)
      await until('an add', () =>
        queue.add([jobFor(id)], 1_000).then(
          () => true,
          () => false,
        ),
      );
    stopped.abort();
    await ending;
    await queue.add(
      ids.map((id) => jobFor(id)),
      20_000,
    );
    await until('all jobs', () => ids.every((id) => bench.taken.includes(id)));
    await bench.close();
  });

  it('replaces a listening connection that ended before BullMQ listened on it', async () => {
    const connection = new GuardedConnection({
      connectionString: server.address.databaseUrl,
      schema: 'foyer_queue',
    });
    const first = await connection.getListenClient();
    await Promise.all([
      sql(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '' AND pid <> pg_backend_pid()`,
      ),
      new Promise<void>((resolve) => first.on('end', () => resolve())),
    ]);
    expect(await (await connection.getListenClient()).query('SELECT 1')).toMatchObject({ rowCount: 1 });
    await connection.close();
  });

  it('reports errors without the client object or the password', async () => {
    const bench = new Bench(server);
    const queue = bench.queue();
    await bench.consumer(() => over);
    await queue.ping(5_000);
    await sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name <> '' AND pid <> pg_backend_pid()",
    );
    await until('a fault', () => bench.errors.length > 0);
    for (const { error } of bench.errors) {
      expect(Object.keys(error).filter((key) => !['name', 'stack', 'code'].includes(key))).toEqual([]);
    }
    const id = randomUUID();
    await until('an add', () =>
      queue.add([jobFor(id)], 1_000).then(
        () => true,
        () => false,
      ),
    );
    await until('the job', () => bench.taken.includes(id));
    await bench.close();
  });
});
