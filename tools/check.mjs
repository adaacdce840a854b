// `npm run check`: all checks of the code that do not run it. Continues after a failure, so that one run shows all
// failures.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const bin = (name) => join(root, 'node_modules', '.bin', name);
const env = { ...process.env, NX_DAEMON: 'false', NX_TUI: 'false' };

function run(name, args, options = {}) {
  return spawnSync(bin(name), args, { cwd: root, env, stdio: 'inherit', ...options });
}

const passes =
  (name, ...args) =>
  () =>
    run(name, args).status === 0;

const checks = {
  'project graph': passes('nx', 'graph', '--file=.nx/graph.json'),
  format: passes('prettier', '--check', '.', '--log-level', 'warn'),
  types: passes('nx', 'run-many', '-t', 'typecheck', '--outputStyle=static'),
  lint: passes('nx', 'run-many', '-t', 'lint', '--outputStyle=static'),
  'rooms and cycles': passes('depcruise', '--config', '.dependency-cruiser.js', 'apps', 'libs', 'tools'),
  'boundary canary': passes('node', 'tools/check/canary.mjs'),
  'landed migrations': passes('node', 'tools/check/migrations.mjs'),
  'dead code': passes('knip'),
};

const failed = [];
for (const [name, check] of Object.entries(checks)) {
  const started = Date.now();
  process.stdout.write(`check: ${name} …\n`);
  const good = check();
  process.stdout.write(
    `check: ${name} ${good ? 'ok' : 'FAILED'} (${((Date.now() - started) / 1000).toFixed(1)} s)\n`,
  );
  if (!good) failed.push(name);
}
process.stdout.write(failed.length === 0 ? 'check: all good\n' : `check: failed: ${failed.join(', ')}\n`);
process.exitCode = failed.length === 0 ? 0 : 1;
