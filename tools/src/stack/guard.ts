import { spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { join } from 'node:path';

/** Ends processes and removes folders if this process dies without having done so, even by SIGKILL. */
export interface Guard {
  watch(pid: number, signal: NodeJS.Signals): void;
  forget(pid: number): void;
  remove(folder: string): void;
  keep(folder: string): void;
}

let current: Guard | undefined;

/** This process's guard; a small process of its own, which ends with this one. */
export function guard(): Guard {
  current ??= openGuard();
  return current;
}

function openGuard(): Guard {
  const child = spawn(process.execPath, [join(import.meta.dirname, '..', '..', 'guard.mjs')], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  // A stack also works without its guard; only a sudden death would then leave something behind.
  child.on('error', () => undefined);
  child.stdin.on('error', () => undefined);
  child.unref();
  if (child.stdin instanceof Socket) child.stdin.unref();
  const tell = (order: object): void => void child.stdin.write(`${JSON.stringify(order)}\n`);
  return {
    watch: (pid, signal) => tell({ watch: pid, signal }),
    forget: (pid) => tell({ forget: pid }),
    remove: (folder) => tell({ remove: folder }),
    keep: (folder) => tell({ keep: folder }),
  };
}
