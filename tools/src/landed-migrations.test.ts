import { execFile, spawnSync } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const CHECK = join(import.meta.dirname, '..', 'check', 'migrations.mjs');
const LIST = 'prisma/migrations/landed.txt';
let root = '';

function check(...args: string[]): { status: number | null; said: string } {
  const run = spawnSync(process.execPath, [CHECK, '--root', root, ...args], { encoding: 'utf8' });
  return { status: run.status, said: run.stderr };
}
const fileOf = (name: string) => join(root, 'prisma/migrations', name, 'migration.sql');

async function write(name: string, sql: string): Promise<void> {
  await mkdir(join(root, 'prisma/migrations', name), { recursive: true });
  await writeFile(fileOf(name), sql);
}

async function git(folder: string, ...args: string[]): Promise<void> {
  const who = [
    '-c',
    'user.name=Ada Example',
    '-c',
    'user.email=ada@example.com',
    '-c',
    'commit.gpgsign=false',
  ];
  await promisify(execFile)('git', [...who, ...args], { cwd: folder });
}

const [FIRST, SECOND] = ['20260101000000_first', '20260102000000_second'];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'foyer-landed-'));
  await write(FIRST, 'CREATE TABLE one (id int);\n');
  await write(SECOND, 'CREATE TABLE two (id int);\n');
  check('--record');
  await git(root, 'init', '--quiet');
  await git(root, 'add', '.');
  await git(root, 'commit', '--quiet', '--message', 'Land both');
});
afterEach(() => rm(root, { recursive: true }));

describe('the check of landed migrations', () => {
  it('accepts landed migrations, with the line ends of any system', async () => {
    await write(FIRST, 'CREATE TABLE one (id int);\r\n');
    expect(check()).toEqual({ status: 0, said: '' });
  });

  it('refuses an edit, of a comment too', async () => {
    await appendFile(fileOf(FIRST), '-- more\n');
    expect(check().said).toContain(`${FIRST}/migration.sql was changed after it had landed`);
    expect(check('--record').status).toBe(1);
  });

  it('refuses a rename', async () => {
    await rename(
      join(root, 'prisma/migrations', FIRST),
      join(root, 'prisma/migrations/20260103000000_first'),
    );
    expect(check()).toMatchObject({
      status: 1,
      said: expect.stringContaining(`${FIRST} was renamed or deleted`) as unknown,
    });
    expect(check('--record').status).toBe(1);
  });

  it.each(['folder', 'file'])('refuses a deletion of its %s', async (what) => {
    await rm(what === 'file' ? fileOf(SECOND) : join(fileOf(SECOND), '..'), { recursive: true });
    expect(check()).toMatchObject({ status: 1, said: expect.stringContaining(SECOND) as unknown });
  });

  it('refuses a new migration that is not recorded, and records it', async () => {
    await write('20260103000000_third', 'SELECT 1;\n');
    expect(check().said).toContain(
      '20260103000000_third/migration.sql is not in prisma/migrations/landed.txt',
    );
    expect(check('--record')).toEqual({ status: 0, said: '' });
    expect(check()).toEqual({ status: 0, said: '' });
  });

  it('refuses an edit whose recorded line was adapted, whether committed or not, in a clone with history', async () => {
    await appendFile(fileOf(FIRST), '-- more\n');
    const list = await readFile(join(root, LIST), 'utf8');
    await writeFile(
      join(root, LIST),
      list
        .split('\n')
        .filter((line) => !line.endsWith(FIRST))
        .join('\n'),
    );
    expect(check('--record').said).toContain('a line was changed or removed');
    await git(root, 'commit', '--quiet', '--all', '--message', 'Edit in place');
    expect(check().said).toContain('a line was changed or removed');
  });

  it('refuses an edit, a rename and a deletion in a clone without history, too', async () => {
    const clone = await mkdtemp(join(tmpdir(), 'foyer-shallow-'));
    await appendFile(fileOf(FIRST), '-- more\n');
    await rm(join(root, 'prisma/migrations', SECOND), { recursive: true });
    await git(root, 'commit', '--quiet', '--all', '--message', 'Edit in place');
    await git(root, 'clone', '--quiet', '--depth', '1', `file://${root}`, clone);
    await rm(root, { recursive: true });
    root = clone;
    const { status, said } = check();
    expect(status).toBe(1);
    expect(said).toContain(`${FIRST}/migration.sql was changed`);
    expect(said).toContain(`${SECOND} was renamed or deleted`);
  });

  it.each([
    ['a line of a merge', '<<<<<<< HEAD'],
    ['a second checksum of one', `${'0'.repeat(64)}  ${FIRST}`],
  ])('refuses %s', async (_what, line) => {
    await appendFile(join(root, LIST), `${line}\n`);
    expect(check().status).toBe(1);
  });

  it('treats a text as superseded when it is marked so and not removed', async () => {
    const list = await readFile(join(root, LIST), 'utf8');
    await writeFile(join(root, LIST), list.replace(`  ${FIRST}`, `  ${FIRST}  superseded`));
    await write(FIRST, 'CREATE TABLE one (id bigint);\n');
    expect(check('--record')).toEqual({ status: 0, said: '' });
  });
});
