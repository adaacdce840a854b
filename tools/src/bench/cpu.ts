import { readdir, readFile } from 'node:fs/promises';
import { type Part } from '../stack/process.ts';

/** The unit of /proc on every Linux that Node supports: hundredths of a second. */
const TICK_MS = 10;

/**
 * Milliseconds of processor time that these programs have used so far, with their child processes, including ended
 * ones. Null without /proc. Unlike elapsed time, it changes little when other programs use the machine.
 */
export async function cpuMs(parts: readonly (Part | undefined)[]): Promise<number | null> {
  const all = await processes();
  if (all === null) return null;
  const below = (pid: number): number =>
    all.filter((one) => one.parent === pid).reduce((sum, one) => sum + one.own + below(one.pid), 0);
  const pids = parts.flatMap((part) => part?.pid ?? []);
  return pids.reduce((sum, pid) => {
    const one = all.find((other) => other.pid === pid);
    return sum + (one?.own ?? 0) + below(pid);
  }, 0);
}

interface Process {
  readonly pid: number;
  readonly parent: number;
  /** The time of the process and of its children that have ended. */
  readonly own: number;
}

async function processes(): Promise<Process[] | null> {
  const entries = await readdir('/proc').catch(() => null);
  if (entries === null) return null;
  const read = async (pid: string): Promise<Process[]> => {
    // An ended process is counted in its parent's time.
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    return readStat(stat);
  };
  return (await Promise.all(entries.filter((name) => /^\d+$/.test(name)).map(read))).flat();
}

/**
 * Parses a line of /proc/PID/stat (proc_pid_stat(5)); undefined for an empty one. The name may contain spaces and
 * brackets.
 */
export function readStat(stat: string): Process[] {
  const end = stat.lastIndexOf(')');
  if (end < 0) return [];
  const fields = stat.slice(end + 2).split(' ');
  const [utime, stime, cutime, cstime] = fields.slice(11, 15).map(Number);
  const ticks = (utime ?? 0) + (stime ?? 0) + (cutime ?? 0) + (cstime ?? 0);
  return [{ pid: Number.parseInt(stat, 10), parent: Number(fields[1]), own: ticks * TICK_MS }];
}
