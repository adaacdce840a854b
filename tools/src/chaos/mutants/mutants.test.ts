import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { createDatabase, dropDatabase } from '../../stack/postgres.ts';
import { Admin } from '../admin.ts';
import { databaseMutants } from './database.ts';
import { mutants, sourceMutants } from './list.ts';
import { ROOT, sourceOf } from './load.ts';
import { mutate } from './mutant.ts';

const server = process.env.FOYER_TEST_POSTGRES_URL ?? '';

it.each(sourceMutants.map((mutant) => [mutant.name, mutant] as const))(
  '%s: the guard is in the place that the mutant changes',
  (_name, mutant) => {
    expect(mutate(sourceOf(mutant), mutant)).not.toBe(sourceOf(mutant));
  },
);

it('each guard of the database is there', async () => {
  const name = `mutants_${randomBytes(6).toString('hex')}`;
  const admin = new Admin(await createDatabase(server, name, 'foyer_template'));
  try {
    for (const { sql } of databaseMutants) await admin.query(`BEGIN; ${sql}; ROLLBACK`);
  } finally {
    await admin.close();
    await dropDatabase(server, name);
  }
});

it('names each mutant once', () => {
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
});

/** Runs them like `npm run chaos -- --mutants`, each on a database of its own. */
async function runMutants(...args: string[]): Promise<{ status: number | null; out: string }> {
  const where = ['--server', server, '--template', 'foyer_template'];
  const main = join(ROOT, 'tools/src/chaos/mutants/main.ts');
  const child = spawn(process.execPath, ['--conditions', '@foyer/source', main, ...where, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, out };
}

it('detects a create that is sent again without a look-up, and reports the seed', async () => {
  const { status, out } = await runMutants('--only', 'plan: creates again without a look-up');
  expect(out).toMatch(/found after \d+, seed \d+: .*without asking Box first/);
  expect(status).toBe(0);
}, 600_000);

it('states why a mutant cannot be detected, and that is not a failure', async () => {
  const { status, out } = await runMutants('--only', 'attempt: a stopping worker', '--schedules', '1');
  expect(out).toMatch(/NOT FOUND in 1\n {2}The request is due at once/);
  expect(status).toBe(0);
}, 600_000);

it('fails when a mutant that breaks a promise is not detected', async () => {
  const { status, out } = await runMutants('--only', 'plan: a deleted person', '--schedules', '1');
  expect(out).toContain('NOT FOUND in 1');
  expect(status).toBe(1);
}, 600_000);
