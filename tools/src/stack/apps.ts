import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { messageOf, StackProblem } from '../problem.ts';
import { type LogSink, Part, START_LIMIT_MS } from './process.ts';

/** Each app as a process of its own, from the build output; the names appear in the log and in all messages. */
const APPS = {
  okta: { name: 'Okta twin', file: 'apps/twins/dist/okta/main.js' },
  box: { name: 'Box twin', file: 'apps/twins/dist/box/main.js' },
  gateway: { name: 'gateway', file: 'apps/gateway/dist/main.js' },
  provisioner: { name: 'provisioner', file: 'apps/provisioner/dist/main.js' },
} as const;

export type AppName = keyof typeof APPS;

const ROOT = join(import.meta.dirname, '..', '..', '..');
/** The only variables taken from outside, so that a developer's own OKTA_ or BOX_ settings never reach a stack. */
const INHERITED = [
  'PATH',
  'HOME',
  'TMPDIR',
  'TMP',
  'TEMP',
  'LANG',
  'TZ',
  'SystemRoot',
  'NODE_EXTRA_CA_CERTS',
];

/** A process that runs one of the apps; not started yet. */
export function appPart(
  app: AppName,
  env: Record<string, string>,
  options: { log?: LogSink; number?: number },
): Part {
  const { name, file } = APPS[app];
  const path = join(ROOT, file);
  if (!existsSync(path)) {
    throw new StackProblem(`the ${name} is not built (${file} is missing)`, 'build it: node tools/ready.mjs');
  }
  return new Part({
    name: options.number === undefined ? name : `${name} ${options.number}`,
    command: process.execPath,
    args: ['--enable-source-maps', path],
    cwd: ROOT,
    env: { ...inherited(), ...env },
    ready: (line) => saidUrl(line),
    log: options.log,
  });
}

function inherited(): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {};
  for (const variable of INHERITED) env[variable] = process.env[variable];
  return env;
}

/** The address in the line with which a twin or an app reports that it listens; undefined for other lines. */
export function saidUrl(line: string): string | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const said: unknown = JSON.parse(line);
    if (typeof said !== 'object' || said === null || !('url' in said) || typeof said.url !== 'string')
      return undefined;
    return 'twin' in said || ('event' in said && said.event === 'listening') ? said.url : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Waits until a process answers on /readyz that everything it needs is available.
 * @throws StackProblem with its last answer when it is not ready in time, or when it ends meanwhile
 */
export async function untilReady(part: Part, url: string, withinMs = START_LIMIT_MS): Promise<void> {
  const until = Date.now() + withinMs;
  let last = 'nothing';
  while (part.running && Date.now() < until) {
    try {
      const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5000) });
      if (response.ok) return;
      last = `${response.status} ${(await response.text()).slice(0, 500)}`;
    } catch (error) {
      last = messageOf(error);
    }
    await pause(50);
  }
  const lines = part.lastLines.slice(-10).map((line) => `    | ${line}`);
  throw new StackProblem(
    part.running
      ? `the ${part.name} listens but is not ready; /readyz says: ${last}`
      : `the ${part.name} ended`,
    `see what it needs; it said last:\n${lines.join('\n')}`,
  );
}
