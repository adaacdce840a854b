import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { connectOkta, demonstratePush } from '../demonstration/push-demonstration.ts';
import { startStack, type Stack } from '../stack/stack.ts';
import { stepsOf, type Step } from './blocks.ts';
import { documents, read, ROOT } from './documents.harness.ts';
import { shows, withIds, type Ids } from './expect.ts';
import { Shell } from './shell.harness.ts';

/** A block that is repeated until it shows the expected output fails after this long. */
const REPEAT_MS = 60_000;

const withBlocks = documents.filter((file) => stepsOf(read(file)).some(({ kind }) => kind === 'run'));

let stack: Stack;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'foyer-docs-'));
  stack = await startStack({
    postgresUrl: process.env.FOYER_TEST_POSTGRES_URL,
    template: 'foyer_template',
    dataDir: join(folder, '.data'),
  });
  // The output of `npm start` when it is up.
  await connectOkta(stack);
  expect((await demonstratePush(stack)).faults).toEqual([]);
});
afterAll(async () => {
  await stack?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** The block as the reader runs it, with the addresses of this stack, and the commands without npm before them. */
function here(text: string): string {
  return text
    .replaceAll('http://localhost:3000', stack.urls.gateway)
    .replaceAll('http://127.0.0.1:4400', stack.urls.okta)
    .replaceAll('http://127.0.0.1:4500', stack.urls.box)
    .replaceAll('https://foyer.example.com', stack.urls.gateway)
    .replaceAll('https://ORG.okta.com', stack.urls.okta)
    .replaceAll('https://api.box.com', stack.urls.box)
    .replaceAll(
      /npm run (?:-s )?foyer -- /g,
      `"${process.execPath}" "${join(ROOT, 'apps/operator/dist/main.js')}" `,
    );
}

async function perform(step: Step, shell: Shell, cwd: string, ids: Ids): Promise<void> {
  if (step.kind === 'file') return writeFile(join(cwd, step.detail), `${withIds(step.text, ids)}\n`);
  const until = Date.now() + REPEAT_MS;
  for (;;) {
    const { printed, status } = await shell.run(here(withIds(step.text, ids)));
    const isGood = status === 0 && (step.shown === null || shows(printed, here(step.shown), ids));
    if (isGood) return;
    if (step.isRepeated && Date.now() < until) continue;
    throw new Error(
      `Line ${step.line} ended with ${status}.\n${step.text}\n\nIt printed:\n${printed}\n\nThe document shows:\n${step.shown ?? 'nothing'}`,
    );
  }
}

describe.each(withBlocks)('%s', (file) => {
  const ids: Ids = new Map();
  let shell: Shell;
  let cwd: string;
  let broken = false;
  beforeAll(async () => {
    cwd = join(folder, file.replaceAll('/', '-'));
    await mkdir(join(cwd, '.data'), { recursive: true });
    const settings = join(folder, '.data', 'stack.env');
    for (const place of ['.env', join('.data', 'stack.env')]) await cp(settings, join(cwd, place));
    // Faults that one document sets must not affect the next.
    await stack.box.clearFaults();
    shell = new Shell(cwd, {
      ...{ PATH: process.env.PATH, HOME: process.env.HOME },
      // What the reader fills in.
      ...{ CLIENT_ID: 'twin-service-client', CLIENT_SECRET: 'twin-service-secret' },
      ...parseEnv(await readFile(settings, 'utf8')),
    });
  });
  afterAll(() => shell?.close());

  it.each(
    stepsOf(read(file)).map(
      (step) =>
        [`line ${step.line}${step.kind === 'not run' ? `, not run: ${step.detail}` : ''}`, step] as const,
    ),
  )('%s', async (_title, step) => {
    // Later blocks depend on earlier ones.
    if (step.kind === 'not run') return;
    if (broken) throw new Error('A block before this one failed.');
    broken = true;
    await perform(step, shell, cwd, ids);
    broken = false;
  });
});
