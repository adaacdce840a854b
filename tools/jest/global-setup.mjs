// One PostgreSQL server for the whole run. Each test creates a database of its own as a copy of `foyer_template`,
// which has every migration: CREATE DATABASE x TEMPLATE foyer_template.
import { join } from 'node:path';
import { migrate } from '../../libs/persistence/src/migrations/migrate.ts';
import { createDatabase, startPostgres } from '../src/stack/postgres.ts';
import { postgresPrograms, serverOwner } from '../src/stack/postgres-files.ts';

/** Property tests without examples would always pass. */
function checkRuns(given) {
  if (given !== undefined && !/^[1-9]\d{0,6}$/.test(given))
    throw new Error(`FOYER_FUZZ_RUNS is "${given}", but must be a whole number from 1 to 9999999.`);
}

export default async function setUp() {
  checkRuns(process.env.FOYER_FUZZ_RUNS);
  // Twins run from TypeScript, and most files start some. With what Node compiled before, a start takes a quarter to a
  // half less processor time.
  process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, '../../node_modules/.cache/node-compile');
  const server = await startPostgres({ maxConnections: 300 });
  try {
    await migrate({ databaseUrl: await createDatabase(server.url, 'foyer_template') });
  } catch (error) {
    await server.stop();
    throw error;
  }
  process.env.FOYER_TEST_POSTGRES_URL = server.url;
  // For tests that stop and start a server of their own: its programs, and the user that they run as when we are root.
  const owner = await serverOwner();
  process.env.FOYER_TEST_POSTGRES_PROGRAMS = JSON.stringify({ ...(await postgresPrograms(owner)), ...owner });
  globalThis.foyerTestServer = server;
}
