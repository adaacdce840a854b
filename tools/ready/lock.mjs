import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const TELL_MS = 1500;

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** The live process that holds the lock; undefined when there is none. */
function holderOf(path) {
  try {
    const pid = Number(readFileSync(path, 'utf8'));
    return pid > 0 && isAlive(pid) ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** Removes a dead process's lock; a lock that another process took in the meantime is restored. */
function clearDead(path) {
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  try {
    if (holderOf(aside) !== undefined) linkSync(aside, path);
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

/** Takes the lock by linking a complete file, so that no process sees a lock without its holder. */
function take(path) {
  const own = `${path}.new.${process.pid}`;
  writeFileSync(own, String(process.pid));
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(own, { force: true });
  }
}

/** Runs `work` while no other process on this machine does. */
export async function withLock(path, say, work) {
  mkdirSync(dirname(path), { recursive: true });
  const started = Date.now();
  let told = 0;
  while (!take(path)) {
    const holder = holderOf(path);
    if (holder === undefined) {
      clearDead(path);
      continue;
    }
    if (Date.now() - told >= TELL_MS) {
      told = Date.now();
      say(
        `waiting for process ${holder}, which is also preparing the project (${Math.round((told - started) / 1000)} s)`,
      );
    }
    await pause(100);
  }
  const release = () => rmSync(path, { force: true });
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.off('exit', release);
    release();
  }
}
