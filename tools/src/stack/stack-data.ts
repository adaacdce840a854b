import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { createDatabase, dropDatabase, type PostgresServer, startPostgres } from './postgres.ts';
import { codeOf } from '../problem.ts';
import { type RedisServer, startRedis } from './redis.ts';
import { gatewayEnvironment, type Wiring } from './settings.ts';
import { type StackOptions } from './stack-options.ts';

/** The steps at the end, last first. */
export type Stops = (() => Promise<unknown>)[];

/** The stack's own database, on a server of its own or on the given one. */
export async function openDatabase(
  options: StackOptions,
  stops: Stops,
  onProgress: (line: string) => void,
): Promise<{ databaseUrl: string; server?: PostgresServer }> {
  const { postgresUrl, dataDir, log } = options;
  if (postgresUrl !== undefined) {
    const name = `foyer_${randomBytes(6).toString('hex')}`;
    const databaseUrl = await createDatabase(postgresUrl, name, options.template);
    if (dataDir === undefined) stops.push(() => dropDatabase(postgresUrl, name));
    return { databaseUrl };
  }
  const server = await startPostgres({
    dataDir: dataDir === undefined ? undefined : join(dataDir, 'postgres'),
    log,
    onProgress,
  });
  stops.push(() => server.stop());
  if (options.onDeath) server.part.onDeath(options.onDeath);
  const databaseUrl = server.databaseUrl('foyer');
  if (!(await exists(databaseUrl))) await createDatabase(server.url, 'foyer');
  return { databaseUrl, server };
}

const NO_SUCH_DATABASE = '3D000';

async function exists(databaseUrl: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: databaseUrl });
  try {
    await client.connect();
    return true;
  } catch (error) {
    if (codeOf(error) === NO_SUCH_DATABASE) return false;
    throw error;
  } finally {
    await client.end().catch(() => undefined);
  }
}

export async function openRedis(
  options: StackOptions,
  stops: Stops,
  onProgress: (line: string) => void,
): Promise<RedisServer | undefined> {
  if (options.redis !== true) return undefined;
  onProgress('starting Redis');
  const { dataDir, log, onDeath } = options;
  const server = await startRedis({
    dataDir: dataDir === undefined ? undefined : join(dataDir, 'redis'),
    log,
  });
  stops.push(() => server.stop());
  if (onDeath) server.part.onDeath(onDeath);
  return server;
}

/** Kept with the data, so that sign-ins survive a restart. */
export async function sessionSecret(dataDir: string | undefined): Promise<string> {
  const fresh = randomBytes(36).toString('base64url');
  if (dataDir === undefined) return fresh;
  const file = join(dataDir, 'session-secret');
  await mkdir(dataDir, { recursive: true });
  const kept = await readFile(file, 'utf8').catch(() => '');
  if (kept !== '') return kept;
  await writeFile(file, fresh, { mode: 0o600 });
  return fresh;
}

/** The variables of the stack, for operators' commands: `npm run foyer -- --env-file .data/stack.env`. */
export async function writeOperatorEnvironment(dataDir: string, wiring: Wiring): Promise<void> {
  const { SESSION_SECRET: _browsersOnly, ...variables } = gatewayEnvironment(wiring);
  const lines = Object.entries(variables).map(([name, value]) => `${name}=${value}\n`);
  await mkdir(dataDir, { recursive: true });
  await writeFile(join(dataDir, 'stack.env'), lines.join(''), { mode: 0o600 });
}

/** The Box twin starts empty each time, so ids of accounts and groups from an earlier one would be invalid. */
export async function forgetFormerBox(
  databaseUrl: string,
  onProgress: (line: string) => void,
): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rowCount } = await client.query('DELETE FROM box_account');
    await client.query(FORGET_GROUPS);
    if (rowCount) onProgress(`the Box twin is new: ${rowCount} accounts of the last run are forgotten`);
  } finally {
    await client.end();
  }
}

const FORGET_GROUPS = `
  UPDATE scim_group SET box_group_id = NULL, box_name = NULL, is_surveyed = true, begun_name = NULL,
    applied_generation = 0;
  DELETE FROM scim_group_member WHERE NOT is_wanted;
  UPDATE scim_group_member SET box_membership_id = NULL, box_user_id = NULL, is_unsettled = false, trouble = NULL`;
