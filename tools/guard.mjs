// Lives a moment longer than the process that started it: when that process has ended, for any reason, this ends the
// registered processes and removes the registered folders. It reads commands from stdin, one JSON per line:
// {"watch":PID,"signal":"SIGTERM"} {"forget":PID} {"remove":"/folder"} {"keep":"/folder"}
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';

const GRACE_MS = 4000;
const processes = new Map();
const folders = new Set();

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});

/** Signals the whole group of a process; false when none is left. */
function signalGroup(pid, signal) {
  try {
    process.kill(-pid, signal);
    return true;
  } catch {
    return false;
  }
}

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const order = JSON.parse(line);
    if (order.watch) processes.set(order.watch, order.signal);
    if (order.forget) processes.delete(order.forget);
    if (order.remove) folders.add(order.remove);
    if (order.keep) folders.delete(order.keep);
  })
  .on('close', () => {
    for (const [pid, signal] of [...processes].reverse()) signalGroup(pid, signal);
    const until = Date.now() + GRACE_MS;
    const check = () => {
      const alive = [...processes.keys()].filter((pid) => signalGroup(pid, 0));
      if (alive.length > 0 && Date.now() < until) return setTimeout(check, 20);
      for (const pid of alive) signalGroup(pid, 'SIGKILL');
      for (const folder of folders)
        rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
      process.exit(0);
    };
    check();
  });
