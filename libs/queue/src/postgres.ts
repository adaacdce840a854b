import { isNativeError } from 'node:util/types';
import {
  assertSchemaCompatibility,
  LATEST_SCHEMA_VERSION,
  type PgQueryable,
  PostgresQueueBackend,
  runMigrations,
  SchemaMigrationRequiredError,
} from 'bullmq';
import type { Client } from 'pg';
import type { Broker, BrokerNeeds, QueueBackendFactory } from './broker.ts';
import { GuardedConnection, watchedClients } from './postgres-connection.ts';

const SCHEMA = 'foyer_queue';
const CONNECT_TIMEOUT_MS = 5_000;
/** Longer than any of our commands takes; without it a server that stopped responding would block a worker forever. */
const QUERY_TIMEOUT_MS = 12_000;
/** The server's own limits are shorter, so that it ends the statement and its locks before the client gives up. */
const limits = { statement_timeout: 10_000, idle_in_transaction_session_timeout: 30_000 };
const LOCK_TIMEOUT_MS = 8_000;
/** A schema upgrade may wait for another process that does the same. */
const slow = { statement_timeout: 25_000, query_timeout: 30_000 };
/** TCP probes detect that the server of an idle connection is gone, the first after this long. */
const FIRST_PROBE_MS = 10_000;

/** PostgreSQL, in a separate schema that is created and upgraded here. */
export function createPostgresBroker(
  databaseUrl: string,
  { role, connections, reporter }: BrokerNeeds,
): Broker {
  const settings = {
    connectionString: databaseUrl,
    application_name: `foyer-queue-${role}`,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: FIRST_PROBE_MS,
    ...limits,
  };
  const connection = { ...settings, lock_timeout: LOCK_TIMEOUT_MS, schema: SCHEMA, max: connections };
  const prepare = async (): Promise<void> => {
    const client = new (watchedClients().Client)({ ...settings, ...slow });
    client.on('error', (error) => reporter.backend(error, `queue ${role}`));
    try {
      await client.connect();
      await bringUpToDate(client);
    } finally {
      await client.end();
    }
  };
  let newest: GuardedConnection | undefined;
  // As BullMQ's own factory does: a worker's listening connection carries the name of its queue.
  const factory: QueueBackendFactory = (name, opts, needs) =>
    new PostgresQueueBackend(
      (newest = new GuardedConnection(connection)),
      name,
      { ...opts, connection },
      true,
      needs?.withBlockingConnection === true ? name : undefined,
    );
  return {
    prepare,
    factory: mending(factory, prepare),
    proveWritable: async () => void (await newest?.pool.query('SELECT pg_current_xact_id()')),
    close: () => Promise.resolve(),
  };
}

/** Several processes may start at once: the migrator holds an advisory lock from its first statement to its commit. */
async function bringUpToDate(client: Client): Promise<void> {
  try {
    if ((await assertSchemaCompatibility(client, SCHEMA)) >= LATEST_SCHEMA_VERSION) return;
  } catch (error) {
    if (!(error instanceof SchemaMigrationRequiredError)) throw error;
  }
  await runMigrations(await sessionFor(client), SCHEMA);
}

/**
 * PostgreSQL requires the right to create schemas for CREATE SCHEMA IF NOT EXISTS even when the schema exists. Without
 * that statement, a role that was only granted this schema can run the migrations.
 */
async function sessionFor(client: Client): Promise<PgQueryable> {
  const session: PgQueryable = client;
  const found = await client.query('SELECT FROM pg_namespace WHERE nspname = $1', [SCHEMA]);
  if (found.rowCount === 0) return session;
  return {
    query: (text, params) =>
      session.query(text.startsWith('CREATE SCHEMA IF NOT EXISTS') ? 'SELECT' : text, params),
  };
}

/** SQLSTATE undefined_function, undefined_table, invalid_schema_name. */
const MISSING = new Set(['42883', '42P01', '3F000']);

/** Recreates the schema when it was dropped while in use. The command still fails; its caller sends it again. */
function mending(factory: QueueBackendFactory, prepare: () => Promise<void>): QueueBackendFactory {
  const mend = async (error: unknown): Promise<never> => {
    if (isNativeError(error) && 'code' in error && MISSING.has(String(error.code))) await prepare();
    throw error;
  };
  return (...args) => {
    const backend = factory(...args);
    const moveToActive = backend.moveToActive.bind(backend);
    const addJobs = backend.addJobs.bind(backend);
    backend.moveToActive = (token, name) => moveToActive(token, name).catch(mend);
    backend.addJobs = (entries) => addJobs(entries).catch(mend);
    return backend;
  };
}
