import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const READY = join(import.meta.dirname, '..', 'ready.mjs');
let root = '';

const lock = (version = '1.0.0') =>
  JSON.stringify({
    packages: {
      '': {},
      'node_modules/left': { version },
      'node_modules/@foyer/x': { link: true },
      'node_modules/only-mac': { version: '1.0.0', optional: true },
      'libs/x': { version: '0.1.0' },
    },
  });

async function file(path: string, content: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), content);
}

async function program(path: string, code: string): Promise<void> {
  await file(path, `#!${process.execPath}\n${code}`);
  await chmod(join(root, path), 0o755);
}

/** Runs ready on the sample repository, with its own npm first on the PATH. */
function ready(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [READY, '--root', root, ...args], {
      env: { PATH: `${join(root, 'bin')}:/usr/bin:/bin` },
    });
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

/** An npm that takes a moment, notes that it ran and installs what the lockfile names. */
const NPM = `
  const fs = require('node:fs');
  fs.appendFileSync('npm.log', process.argv.slice(2).join(' ') + '\\n');
  setTimeout(() => {
    fs.mkdirSync('node_modules', { recursive: true });
    fs.copyFileSync('package-lock.json', 'node_modules/.package-lock.json');
  }, 300);
`;
const tool = (name: string): string =>
  `require('node:fs').appendFileSync('${name}.log', process.argv.slice(2).join(' ') + '\\n');`;
const runsOf = async (name: string): Promise<string[]> =>
  (await readFile(join(root, `${name}.log`), 'utf8').catch(() => ''))
    .split('\n')
    .filter((line) => line !== '');

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'foyer-ready-'));
  await file('package-lock.json', lock());
  await program('bin/npm', NPM);
});
afterEach(() => rm(root, { recursive: true, force: true }));

describe('ready, installing', () => {
  it('installs once, and does nothing when everything is there', async () => {
    const first = await ready('--until', 'install');
    expect(first.code).toBe(0);
    expect(first.out).toContain('installing packages (there is no node_modules folder yet)');
    expect((await ready('--until', 'install')).out).toBe('');
    expect(await runsOf('npm')).toEqual([expect.stringMatching(/^install --no-save --include=dev/)]);
  });

  it('installs again when the lockfile asks for another version', async () => {
    await ready('--until', 'install');
    await file('package-lock.json', lock('2.0.0'));
    const again = await ready('--until', 'install');
    expect(again.out).toContain('left is 1.0.0, but should be 2.0.0');
    expect(await runsOf('npm')).toHaveLength(2);
  });

  it('installs again when the last installation did not finish', async () => {
    await mkdir(join(root, 'node_modules'));
    expect((await ready('--until', 'install')).out).toContain('the last installation did not finish');
  });

  it('does not repeat the installation for packages that npm leaves out', async () => {
    await program('bin/npm', NPM.replace("'package-lock.json',", "'other-lock.json',"));
    await file('other-lock.json', JSON.stringify({ packages: {} }));
    expect((await ready('--until', 'install')).code).toBe(0);
    expect((await ready('--until', 'install')).out).toBe('');
    await file('package-lock.json', lock('3.0.0'));
    expect((await ready('--until', 'install')).out).toContain('left is missing');
  });

  it('installs once when two begin at the same time; the other waits and reports it', async () => {
    const both = await Promise.all([ready('--until', 'install'), ready('--until', 'install')]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(both.map(({ out }) => out).join('')).toMatch(/waiting for process \d+/);
    expect(await runsOf('npm')).toHaveLength(1);
  });

  it('takes over from an installation that was killed', async () => {
    const dead = spawn(process.execPath, ['-e', '']);
    await new Promise((resolve) => dead.on('close', resolve));
    await file('.data/ready.lock', String(dead.pid));
    expect((await ready('--until', 'install')).code).toBe(0);
    expect(await runsOf('npm')).toHaveLength(1);
  });

  it.each([
    ['npm error code ENOTFOUND', 'the package registry cannot be reached'],
    ['npm error code ENOSPC', 'the disk is full'],
    ['npm error code EACCES permission denied', 'you may not write there'],
    ['npm error code EUSAGE', 'package.json and package-lock.json do not agree'],
    ['npm error something else', 'run "npm install" by hand'],
  ])('explains "%s"', async (said, advice) => {
    await program('bin/npm', `console.error(${JSON.stringify(said)}); process.exit(1);`);
    const { code, err } = await ready('--until', 'install');
    expect(code).toBe(1);
    expect(err).toContain(`| ${said}`);
    expect(err).toContain(`What to do: ${advice}`);
  });

  it('names a missing npm', async () => {
    await rm(join(root, 'bin/npm'));
    await rm(join(root, 'node_modules'), { recursive: true, force: true });
    await symlink(process.execPath, join(root, 'bin/node'));
    const { code, err } = await new Promise<{ code: number | null; err: string }>((resolve) => {
      const child = spawn(process.execPath, [READY, '--root', root], { env: { PATH: join(root, 'bin') } });
      let text = '';
      child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
      child.on('close', (exit) => resolve({ code: exit, err: text }));
    });
    expect(code).toBe(1);
    expect(err).toContain('"npm" was not found');
  });
});

describe('ready, generating and building', () => {
  beforeEach(async () => {
    await file('prisma/schema.prisma', 'model A {}');
    await file('libs/x/package.json', '{}');
    await file('libs/x/src/index.ts', 'export const x = 1;');
    await ready('--until', 'install');
    await program(
      'node_modules/.bin/prisma',
      `${tool('prisma')} require('node:fs').mkdirSync('libs/persistence/src/generated', { recursive: true }); require('node:fs').writeFileSync('libs/persistence/src/generated/client.ts', '');`,
    );
    await program(
      'node_modules/.bin/nx',
      `${tool('nx')} require('node:fs').mkdirSync('libs/x/dist', { recursive: true });`,
    );
  });

  it('does each once, and again only when its input has changed', async () => {
    expect((await ready()).code).toBe(0);
    expect((await ready()).out).toBe('');
    expect([await runsOf('prisma'), await runsOf('nx')]).toEqual([
      ['generate'],
      [expect.stringContaining('build')],
    ]);

    await file('libs/x/src/more.ts', 'export const more = 2;');
    expect((await ready()).out).toContain('building (sources have changed)');
    await file('libs/x/src/index.test.ts', 'a test is not built');
    expect((await ready()).out).toBe('');
    await file('prisma/schema.prisma', 'model B {}');
    expect((await ready('--until', 'generate')).out).toContain('the schema has changed');
  });

  it('shows why a build failed, and tries again the next time', async () => {
    await program(
      'node_modules/.bin/nx',
      "console.log('src/index.ts(1,1): error TS2322: no'); process.exit(1);",
    );
    const { code, err } = await ready();
    expect(code).toBe(1);
    expect(err).toContain('error TS2322');
    expect(err).toContain('building failed (exit code 1)');
    expect((await ready()).code).toBe(1);
  });
});
