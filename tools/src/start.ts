import { readArguments, type StartArguments, USAGE } from './arguments.ts';
import { join } from 'node:path';
import { demonstrate } from './demonstration/demonstration.ts';
import { connectOkta, demonstratePush, howToPush } from './demonstration/push-demonstration.ts';
import { messageOf, StackProblem } from './problem.ts';
import { type LogLine } from './stack/process.ts';
import { type Stack, startStack } from './stack/stack.ts';
import { SAMPLE_PASSWORD } from './stack/twins.ts';

const TELL_MS = 1500;
const FIRST_PORT = 3000;
const say = (line = ''): void => void process.stdout.write(`${line}\n`);

/** Prints regularly that a step is still running, and for how long. */
class Progress {
  #what = '';
  #since = Date.now();
  #timer: NodeJS.Timeout | undefined;

  step(what: string): void {
    this.#what = what;
    this.#since = Date.now();
    say(`  ${what} …`);
    clearInterval(this.#timer);
    this.#timer = setInterval(() => {
      say(`  ${this.#what} … ${((Date.now() - this.#since) / 1000).toFixed(0)} s`);
    }, TELL_MS);
  }

  end(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

async function show(stack: Stack, progress: Progress): Promise<boolean> {
  progress.step('someone new signs in, twice');
  const signedIn = tell(progress, await demonstrate(stack));
  say();
  progress.step('Okta pushes someone new over SCIM');
  await connectOkta(stack);
  return tell(progress, await demonstratePush(stack)) && signedIn;
}

/** @returns whether everything was correct */
function tell(progress: Progress, { lines, faults }: { lines: string[]; faults: string[] }): boolean {
  progress.end();
  say();
  for (const line of lines) say(`  ${line}`);
  for (const fault of faults) say(`  NOT AS IT SHOULD BE: ${fault}`);
  return faults.length === 0;
}

async function welcome(stack: Stack): Promise<void> {
  const people = await stack.okta.people();
  const can = people.filter((person) => person.status === 'ACTIVE' && person.assigned);
  const cannot = people.filter((person) => !can.includes(person));
  say();
  say(`  Open          ${stack.urls.gateway}`);
  say(`  Sign in as    ${can.map((person) => person.login).join(', ')}`);
  say(`  Password      ${SAMPLE_PASSWORD}`);
  if (cannot.length > 0) say(`  Refused       ${cannot.map((person) => person.login).join(', ')}`);
  say(`  API docs      ${stack.urls.gateway}/docs`);
  say(`  Twins         Okta ${stack.urls.okta}, Box ${stack.urls.box}`);
}

/**
 * Resolves when the end is requested: by a signal, or by the end of the parent process (npm does not forward signals).
 */
function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    const parent = process.ppid;
    setInterval(() => process.ppid !== parent && resolve(), 500).unref();
    let asked = false;
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        // The guard ends what still runs.
        if (asked) process.exit(130);
        asked = true;
        resolve();
      });
    }
  });
}

function printer(verbose: boolean): (line: LogLine) => void {
  return ({ part, line }) => {
    if (verbose) say(`  [${part}] ${line}`);
  };
}

/** The whole of `npm start`. */
async function run(args: StartArguments): Promise<number> {
  const progress = new Progress();
  const asked = interrupted();
  const death = Promise.withResolvers<StackProblem>();
  const kept = args.once ? undefined : join(import.meta.dirname, '..', '..', '.data');
  const starting = startStack({
    ports: args.once ? 'free' : (args.port ?? FIRST_PORT),
    dataDir: kept,
    redis: args.redis,
    log: printer(args.verbose),
    onProgress: (line) => progress.step(line),
    onDeath: death.resolve,
  });
  const stopped = asked.then(() => undefined);
  const stack = await Promise.race([starting, stopped]);
  if (!stack) {
    progress.end();
    say('  stopping …');
    await starting.then((late) => late.stop()).catch(() => undefined);
    return 130;
  }
  try {
    await welcome(stack);
    say();
    const good = await Promise.race([show(stack, progress), stopped, death.promise.then(raise)]);
    if (good === undefined) return 130;
    if (args.once || !good) return good ? 0 : 1;
    say();
    say('  Okta pushes what changes in it, by itself. Hire somebody, take them out of the group, and look:');
    for (const line of howToPush(stack)) say(`    ${line}`);
    say();
    say('  It is up. Ctrl-C ends it.');
    await Promise.race([asked, death.promise.then(raise)]);
    return 0;
  } finally {
    progress.step('stopping');
    await stack.stop();
    progress.end();
    say('  stopped');
  }
}

function raise(problem: StackProblem): never {
  throw problem;
}

/** Returns the exit code. */
async function main(argv: readonly string[]): Promise<number> {
  try {
    const args = readArguments(argv);
    if (!args.help) return await run(args);
    say(USAGE);
    return 0;
  } catch (error) {
    const expected = error instanceof StackProblem || (error instanceof TypeError && 'code' in error);
    const what = error instanceof Error && !expected ? (error.stack ?? error.message) : messageOf(error);
    process.stderr.write(`\n${what}\n`);
    return 1;
  }
}

// Exits at once, whatever may still be open: after the stack has stopped there is nothing to wait for.
process.exit(await main(process.argv.slice(2)));
