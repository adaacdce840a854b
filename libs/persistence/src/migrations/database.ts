import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { MigrationError } from './error.ts';
import { RUNNING_KEY } from './script.ts';

export type OnProgress = (line: string) => void;

const EXAMPLE = 'postgresql://foyer:PASSWORD@localhost:5432/foyer';
const RETRY_MS = 250;
const TELL_MS = 1500;

/** Errors of a database that is starting, or whose host name does not resolve yet: it may answer soon. */
const MAY_PASS = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ETIMEDOUT',
  'EPIPE',
  '57P01',
  '57P02',
  '57P03',
  '53300',
]);

/** The address without its password, for messages. @throws MigrationError when it is not a PostgreSQL URL */
export function shownAddress(databaseUrl: string): string {
  if (databaseUrl.trim() === '')
    throw new MigrationError('url', `DATABASE_URL is empty; set it, for example DATABASE_URL=${EXAMPLE}`);
  const url = URL.canParse(databaseUrl) ? new URL(databaseUrl) : undefined;
  if (!url || !/^postgres(ql)?:$/.test(url.protocol)) {
    throw new MigrationError(
      'url',
      `DATABASE_URL is not a PostgreSQL address; an example is DATABASE_URL=${EXAMPLE}`,
    );
  }
  const name = decodeURIComponent(url.pathname.slice(1)) || 'postgres';
  return `"${name}" on ${url.host || 'the local socket'}`;
}

/** The SQLSTATE or Node's network code of an error, or '' when it has neither. */
export function codeOf(error: unknown): string {
  const { code, errors, message } = partsOf(error);
  if (typeof code === 'string') return code;
  if (Array.isArray(errors)) return codeOf(errors[0]);
  return /timeout|terminated/i.test(String(message)) ? 'ETIMEDOUT' : '';
}

/** Checked by shape, because an error from another realm or copy of a package is not an instance of our classes. */
function partsOf(error: unknown): { code?: unknown; errors?: unknown; message?: unknown } {
  return typeof error === 'object' && error !== null ? error : {};
}

/**
 * Connects when the database answers, and reports while it waits.
 * @param waitMs how long to wait for a database that does not answer or is starting
 * @throws MigrationError for a wrong address, password or database, or after `waitMs`
 */
export async function connectWhenReady(
  databaseUrl: string,
  waitMs: number,
  onProgress: OnProgress,
): Promise<pg.Client> {
  const where = shownAddress(databaseUrl);
  const started = Date.now();
  let told = started - TELL_MS;
  for (;;) {
    const client = new pg.Client({
      connectionString: databaseUrl,
      connectionTimeoutMillis: 5000,
      application_name: 'foyer-migrate',
    });
    // The connection may break while it is idle; the next query reports it.
    client.on('error', () => undefined);
    try {
      await client.connect();
      return client;
    } catch (error) {
      await client.end().catch(() => undefined);
      const waited = Date.now() - started;
      if (!MAY_PASS.has(codeOf(error)) || waited >= waitMs) throw explain(error, databaseUrl, where, waited);
      if (Date.now() - told >= TELL_MS) {
        told = Date.now();
        onProgress(`waiting for the database ${where} (${(waited / 1000).toFixed(0)} s): ${reason(error)}`);
      }
      await pause(RETRY_MS);
    }
  }
}

function reason(error: unknown): string {
  const { message, errors } = partsOf(error);
  if (!message && Array.isArray(errors)) return reason(errors[0]);
  return typeof message === 'string' ? message : String(error);
}

function explain(error: unknown, databaseUrl: string, where: string, waitedMs: number): MigrationError {
  const code = codeOf(error);
  const user = decodeURIComponent(new URL(databaseUrl).username) || 'the current user';
  if (code === '28P01' || code === '28000') {
    return new MigrationError(
      'password',
      `the database ${where} rejects the user "${user}" (${reason(error)}); check the user and password in DATABASE_URL`,
      error,
    );
  }
  if (code === '3D000') {
    return new MigrationError(
      'database',
      `the server has no database ${where}; create it (createdb, or CREATE DATABASE) or correct DATABASE_URL`,
      error,
    );
  }
  if (MAY_PASS.has(code)) {
    return new MigrationError(
      'unreachable',
      `the database ${where} did not answer within ${(waitedMs / 1000).toFixed(0)} s (${reason(error)}); ` +
        'check that the server runs and that host and port in DATABASE_URL are right',
      error,
    );
  }
  return new MigrationError(
    'unreachable',
    `cannot connect to the database ${where}: ${reason(error)}; check DATABASE_URL`,
    error,
  );
}

/**
 * Runs `work` as the only migration of this database; others wait. Polls, because a blocking pg_advisory_lock holds a
 * snapshot that CREATE INDEX CONCURRENTLY would wait for without end.
 */
export async function withMigrationLock<T>(
  client: pg.Client,
  waitMs: number,
  onProgress: OnProgress,
  work: () => Promise<T>,
): Promise<T> {
  const waiting = 'waiting for another migration of this database';
  await patiently(client, LOCK_KEY, { waitMs, onProgress, waiting });
  try {
    return await work();
  } finally {
    // Ending the session, which follows, would release it too; a lost connection has released it already.
    await client.query('SELECT pg_advisory_unlock($1)', [LOCK_KEY]).catch(() => undefined);
  }
}

/**
 * Returns when no file is being applied: after the program that sent a file was killed, the server may still run the
 * file, and only then does its record show whether it was committed. Call it inside `withMigrationLock`.
 */
export async function whileNoneRuns(
  client: pg.Client,
  waitMs: number,
  onProgress: OnProgress,
): Promise<void> {
  const waiting = 'waiting for a migration that the server still runs although its program has ended';
  await patiently(client, RUNNING_KEY, { waitMs, onProgress, waiting });
  await client.query('SELECT pg_advisory_unlock($1)', [RUNNING_KEY]);
}

async function patiently(
  client: pg.Client,
  key: number,
  { waitMs, onProgress, waiting }: { waitMs: number; onProgress: OnProgress; waiting: string },
): Promise<void> {
  const started = Date.now();
  let told = started;
  while (!(await tryLock(client, key))) {
    const waited = Date.now() - started;
    if (waited >= waitMs) {
      throw new MigrationError(
        'locked',
        `another migration has been running for over ${waitedSeconds(waited)} s; wait for it, or terminate its connection (application_name foyer-migrate)`,
      );
    }
    if (Date.now() - told >= TELL_MS) {
      told = Date.now();
      onProgress(`${waiting} (${waitedSeconds(waited)} s)`);
    }
    await pause(50);
  }
}

/** Used only by Foyer: the engine itself locks 72707369. */
const LOCK_KEY = 5_550_001;

const waitedSeconds = (ms: number): string => (ms / 1000).toFixed(0);

async function tryLock(client: pg.Client, key: number): Promise<boolean> {
  const answer = await client.query<{ locked: boolean }>('SELECT pg_try_advisory_lock($1) AS locked', [key]);
  return answer.rows[0]?.locked === true;
}
