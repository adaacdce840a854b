import { existsSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { adviceFor, Problem } from './advice.mjs';
import { withLock } from './lock.mjs';
import { run } from './run.mjs';
import { contentOf, isBuilt, missingPackages, readStamp, sourcesOf, writeStamp } from './state.mjs';

const STEPS = ['install', 'generate', 'build'];
const GENERATED = 'libs/persistence/src/generated/client.ts';

const say = (line) => process.stdout.write(`ready: ${line}\n`);

/** @returns {Promise<number>} the exit code */
export async function main(args) {
  try {
    const { values } = parseArgs({
      args,
      options: { until: { type: 'string', default: 'build' }, root: { type: 'string' } },
    });
    if (!STEPS.includes(values.until)) {
      throw new Problem(`--until is "${values.until}"`, `use one of ${STEPS.join(', ')}`);
    }
    const root = resolve(
      values.root ?? join(import.meta.dirname ?? dirname(new URL(import.meta.url).pathname), '..', '..'),
    );
    const steps = STEPS.slice(0, STEPS.indexOf(values.until) + 1);
    if (steps.some((step) => needed[step](root))) {
      await withLock(join(root, '.data', 'ready.lock'), say, () => makeReady(root, steps));
    }
    return 0;
  } catch (error) {
    const advice =
      error.advice ??
      adviceFor(
        `${error.code ?? ''} ${error.message}`,
        'run the same command again; if it fails in the same way, report it with the lines above',
      );
    process.stderr.write(
      `ready: ${error.advice ? error.message : (error.stack ?? error)}\n  What to do: ${advice}\n`,
    );
    return 1;
  }
}

/** Why a step is necessary; undefined when its result exists. */
const needed = {
  install(root) {
    const why = missingPackages(root);
    return why !== undefined && readStamp(root, 'lock') === lockOf(root) ? undefined : why;
  },
  generate(root) {
    if (!existsSync(join(root, 'prisma/schema.prisma'))) return undefined;
    if (!existsSync(join(root, GENERATED))) return 'there is no Prisma client yet';
    return readStamp(root, 'schema') === schemaOf(root) ? undefined : 'the schema has changed';
  },
  build(root) {
    if (!isBuilt(root)) return 'not everything is built yet';
    return readStamp(root, 'sources') === sourcesOf(root) ? undefined : 'sources have changed';
  },
};

const lockOf = (root) => contentOf(root, ['package-lock.json']);
const schemaOf = (root) => contentOf(root, ['prisma/schema.prisma', 'package-lock.json']);

/** Checks again before each step, because the lock's previous holder may have done it. */
async function makeReady(root, steps) {
  for (const step of steps) {
    const why = needed[step](root);
    if (why !== undefined) await take[step](root, why);
  }
}

const take = {
  async install(root, why) {
    const npm = process.env.npm_execpath;
    const viaNode = npm !== undefined && /\.[cm]?js$/.test(npm) && existsSync(npm);
    await run({
      what: 'installing packages',
      why,
      command: viaNode ? process.execPath : 'npm',
      // Not `npm ci`, which removes everything first: a small change of the lockfile then costs seconds only. --no-save
      // leaves package.json and package-lock.json unchanged.
      args: [
        ...(viaNode ? [npm] : []),
        'install',
        '--no-save',
        '--include=dev',
        '--no-audit',
        '--no-fund',
        '--no-progress',
      ],
      cwd: root,
      env: { ...process.env, NODE_ENV: 'development' },
      say,
      otherwise: 'run "npm install" by hand and read its output',
    });
    // npm decides: an optional package that it skips now it would skip again.
    if (missingPackages(root) !== undefined) writeStamp(root, 'lock', lockOf(root));
  },
  async generate(root, why) {
    const fingerprint = schemaOf(root);
    await run({
      what: 'generating the Prisma client',
      why,
      command: tool(root, 'prisma'),
      args: ['generate'],
      cwd: root,
      env: {
        ...toolEnvironment(root),
        // Generating needs no engine but requires its path; any existing file prevents a download.
        PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
        PRISMA_HIDE_UPDATE_MESSAGE: '1',
        CHECKPOINT_DISABLE: '1',
      },
      say,
      otherwise: 'correct prisma/schema.prisma as the lines above say',
    });
    writeStamp(root, 'schema', fingerprint);
  },
  async build(root, why) {
    const fingerprint = sourcesOf(root);
    await run({
      what: 'building',
      why,
      command: tool(root, 'nx'),
      args: ['run-many', '-t', 'build', '--outputStyle=static'],
      cwd: root,
      env: { ...toolEnvironment(root), NX_DAEMON: 'false', NX_TUI: 'false' },
      say,
      otherwise: 'correct what the lines above name',
    });
    writeStamp(root, 'sources', fingerprint);
  },
};

const tool = (root, name) => join(root, 'node_modules', '.bin', name);

/** The installed Node comes first on the PATH: the tools need a newer one than this script. */
function toolEnvironment(root) {
  return { ...process.env, PATH: [join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter) };
}
