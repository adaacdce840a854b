import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type AppRole } from './app-role.ts';
import { MigrationError } from './error.ts';
import { migrate, settleMigration } from './migrate.ts';

const USAGE = `Brings the database of DATABASE_URL (or DATABASE_URL_FILE) to the newest migration.
  npm run migrate
  npm run migrate -- --rolled-back NAME   a migration that failed was undone by hand; it will run again
  npm run migrate -- --applied NAME       a migration that failed was finished by hand; it counts as applied
MIGRATE_WAIT_SECONDS (30): how long the command waits for a database that is starting.
APP_DATABASE_ROLE: the role that gateway and provisioner use; it gets exactly what they need.
APP_DATABASE_PASSWORD (or APP_DATABASE_PASSWORD_FILE): its password; the role is made when it is not there.`;

// eslint-disable-next-line no-restricted-syntax -- a command of its own: it runs before there is any configuration
const environment = process.env;

/** A variable, or the content of the file that NAME_FILE names; undefined when neither is set. */
function read(name: string): string | undefined {
  const file = environment[`${name}_FILE`];
  if (environment[name] || !file) return environment[name] || undefined;
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new MigrationError('url', `${name}_FILE is "${file}", which cannot be read: ${why}`);
  }
}

function appRole(): AppRole | undefined {
  const name = read('APP_DATABASE_ROLE');
  return name === undefined ? undefined : { name, password: read('APP_DATABASE_PASSWORD') };
}

function waitMs(): number {
  const seconds = environment.MIGRATE_WAIT_SECONDS ?? '30';
  if (/^\d{1,5}$/.test(seconds)) return Number(seconds) * 1000;
  throw new MigrationError(
    'url',
    `MIGRATE_WAIT_SECONDS is "${seconds}", but must be a number of seconds, for example 30`,
  );
}

function say(line: string): void {
  process.stdout.write(`migrate: ${line}\n`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { help: { type: 'boolean' }, 'rolled-back': { type: 'string' }, applied: { type: 'string' } },
  });
  if (values.help) {
    process.stdout.write(`${USAGE}\n`);
    return;
  }
  const options = {
    databaseUrl: read('DATABASE_URL') ?? '',
    waitMs: waitMs(),
    onProgress: say,
    appRole: appRole(),
  };
  for (const as of ['rolled-back', 'applied'] as const) {
    const name = values[as];
    if (name !== undefined) await settleMigration({ ...options, name, as });
  }
  if (values.applied !== undefined) return;
  const started = Date.now();
  const { applied } = await migrate(options);
  const count = applied.length === 1 ? '1 migration' : `${applied.length} migrations`;
  say(
    applied.length === 0
      ? 'nothing to do, the database is up to date'
      : `applied ${count} in ${Date.now() - started} ms`,
  );
}

main().catch((error: unknown) => {
  const expected = error instanceof MigrationError || (error instanceof TypeError && 'code' in error);
  const what =
    error instanceof Error ? (expected ? error.message : (error.stack ?? error.message)) : String(error);
  process.stderr.write(`migrate: ${what}\n`);
  process.exitCode = 1;
});
