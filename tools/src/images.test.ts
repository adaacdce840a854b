import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');
const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
let registry: Server;
let url = '';
let folder = '';
let tags: Record<string, string> = {};

/** Answers like a registry: a challenge, a token for one repository, the digest of a tag. */
beforeAll(async () => {
  registry = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', url);
    if (pathname === '/token') {
      response.end(JSON.stringify({ token: `for ${searchParams.get('scope') ?? ''}` }));
      return;
    }
    const [, repository = '', tag = ''] = /^\/v2\/(.+)\/manifests\/(.+)$/.exec(pathname) ?? [];
    const known = tags[`${repository}:${tag}`];
    if (request.headers.authorization !== `Bearer for repository:${repository}:pull`)
      response.writeHead(401, { 'www-authenticate': `Bearer realm="${url}/token",service="sample"` }).end();
    else if (known === undefined || !(request.headers.accept ?? '').includes('image.index'))
      response.writeHead(404).end();
    else response.writeHead(200, { 'docker-content-digest': known }).end();
  });
  await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve));
  const address = registry.address();
  url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
});
afterAll(() => new Promise((resolve) => registry.close(resolve)));

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'foyer-images-'));
  for (const file of ['docker-compose.yml', 'Dockerfile'])
    await copyFile(join(ROOT, file), join(folder, file));
  tags = {
    'library/postgres:18': digest('a'),
    'library/redis:7': digest('b'),
    'library/node:24-bookworm-slim': digest('c'),
  };
});
afterEach(() => rm(folder, { recursive: true }));

function images(...args: string[]): Promise<{ status: number; said: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [join(ROOT, 'tools/images.mjs'), '--root', folder, '--registry', url, ...args],
      (_error, stdout, stderr) => resolve({ status: child.exitCode ?? -1, said: stdout + stderr }),
    );
  });
}
/** An address at which no server listens. */
async function closedAddress(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
}

const text = (file: string): Promise<string> => readFile(join(folder, file), 'utf8');

describe('the pins of base images', () => {
  it('are written after every tag, and updated when a tag moved', async () => {
    expect((await images('--check')).status).toBe(1);
    expect((await images()).status).toBe(0);
    expect(await text('docker-compose.yml')).toContain(
      `image: postgres:18\${POSTGRES_DIGEST-@${digest('a')}}`,
    );
    expect(await text('docker-compose.yml')).toContain(`image: redis:7\${REDIS_DIGEST-@${digest('b')}}`);
    expect(await text('docker-compose.yml')).toContain(`NODE_DIGEST: \${NODE_DIGEST-@${digest('c')}}`);
    expect(await text('Dockerfile')).toContain(`ARG NODE_DIGEST=@${digest('c')}\n`);
    expect((await images('--check')).status).toBe(0);

    tags['library/redis:7'] = digest('d');
    const check = await images('--check');
    expect(check).toMatchObject({ status: 1, said: expect.stringContaining('redis:7') as unknown });
    expect(await text('docker-compose.yml')).toContain(digest('b'));
    await images();
    expect(await text('docker-compose.yml')).toContain(digest('d'));
  });

  it('cover every image that is not built here', async () => {
    const both = `${await text('docker-compose.yml')}\n${await text('Dockerfile')}`;
    const named = [...both.matchAll(/^(?:FROM|\s*image:) +(\S+)/gm)].map(([, image = '']) => image);
    const made = ['foyer', 'foyer-twins', 'manifests', 'runtime'];
    expect(
      named.filter((image) => !made.includes(image) && !/\$\{\w+_DIGEST(-[^}]*)?\}$/.test(image)),
    ).toEqual([]);
  });

  it('stay unchanged when the registry does not know a tag, or cannot be reached', async () => {
    const before = await text('docker-compose.yml');
    delete tags['library/redis:7'];
    expect(await images()).toMatchObject({
      status: 2,
      said: expect.stringMatching(/answered 404 without a digest for redis:7, .*Check this tag/) as unknown,
    });
    expect(await text('docker-compose.yml')).toBe(before);
    const closed = await closedAddress();
    expect(await images('--registry', closed)).toMatchObject({
      status: 2,
      said: `images: ${closed} cannot be reached (ECONNREFUSED), and nothing was changed. Check the network, or set HTTPS_PROXY and NODE_USE_ENV_PROXY=1 if there is a proxy, and run this again.\n`,
    });
    expect(await images('--registry', 'registry')).toMatchObject({
      status: 2,
      said: expect.stringMatching(/^images: ".*" cannot be reached .*\n$/) as unknown,
    });
    expect(await text('docker-compose.yml')).toBe(before);
  });

  it('are left unchanged when an option is not known, which is reported in one sentence', async () => {
    expect(await images('--chek')).toMatchObject({
      status: 2,
      said: expect.stringMatching(
        /^images: Unknown option '--chek'.* Usage: node tools\/images\.mjs.*\n$/,
      ) as unknown,
    });
  });
});
