import { readdir, readFile } from 'node:fs/promises';
import { type Part } from '../process.ts';

/** What /proc counts in, on every Linux that Node runs on: hundredths of a second. */
const TICK_MS = 10;

/**
 * Milliseconds of processor time that these programs have used so far, with the processes below them, those that have ended
 * included. Null where there is no /proc. Unlike the time that goes by, it changes little when others use the machine too.
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
  /** Its own time and that of its children that have ended. */
  readonly own: number;
}

async function processes(): Promise<Process[] | null> {
  const entries = await readdir('/proc').catch(() => null);
  if (entries === null) return null;
  const read = async (pid: string): Promise<Process[]> => {
    // One that ended meanwhile is its parent's to tell.
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    return readStat(stat);
  };
  return (await Promise.all(entries.filter((name) => /^\d+$/.test(name)).map(read))).flat();
}

/** A line of /proc/PID/stat (proc_pid_stat(5)); nothing for an empty one. The name may have blanks and brackets of its own. */
export function readStat(stat: string): Process[] {
  const end = stat.lastIndexOf(')');
  if (end < 0) return [];
  const fields = stat.slice(end + 2).split(' ');
  const [utime, stime, cutime, cstime] = fields.slice(11, 15).map(Number);
  const ticks = (utime ?? 0) + (stime ?? 0) + (cutime ?? 0) + (cstime ?? 0);
  return [{ pid: Number.parseInt(stat, 10), parent: Number(fields[1]), own: ticks * TICK_MS }];
}
