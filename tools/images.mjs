// Pins the base images of docker-compose.yml and the Dockerfile by their digests, and updates the pins: asks the
// registry for each tag's current digest, and writes it after the tag. Every build then uses the same image until this
// runs again.
//   node tools/images.mjs            writes the digests; commit what changed
//   node tools/images.mjs --check    writes nothing; exit status 1 when a tag is not pinned or has a newer digest
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    check: { type: 'boolean' },
    root: { type: 'string' },
    registry: { type: 'string', default: 'https://registry-1.docker.io' },
  },
});
const root = resolve(values.root ?? join(import.meta.dirname, '..'));
const INDEXES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
].join(', ');
const LIMIT_MS = 20_000;

const ask = (url, options = {}) => fetch(url, { ...options, signal: AbortSignal.timeout(LIMIT_MS) });

/** A tag's current digest, of the index of all platforms. */
async function digestOf(name, tag) {
  const repository = name.includes('/') ? name : `library/${name}`;
  const url = `${values.registry}/v2/${repository}/manifests/${tag}`;
  let answer = await ask(url, { method: 'HEAD', headers: { accept: INDEXES } });
  if (answer.status === 401) {
    const authorization = await tokenFor(answer.headers.get('www-authenticate') ?? '', repository);
    answer = await ask(url, { method: 'HEAD', headers: { accept: INDEXES, authorization } });
  }
  const digest = answer.headers.get('docker-content-digest') ?? '';
  if (!answer.ok || !/^sha256:[0-9a-f]{64}$/.test(digest))
    throw new Error(`${url} answered ${answer.status} and no digest`);
  return digest;
}

/** An anonymous token, from the address in the registry's challenge. */
async function tokenFor(challenge, repository) {
  const part = (key) => new RegExp(`${key}="([^"]*)"`).exec(challenge)?.[1] ?? '';
  const url = new URL(part('realm'));
  url.searchParams.set('service', part('service'));
  url.searchParams.set('scope', `repository:${repository}:pull`);
  const answer = await ask(url);
  if (!answer.ok) throw new Error(`${url.origin} gave no token for ${repository} (${answer.status})`);
  return `Bearer ${(await answer.json()).token}`;
}

const FILES = ['docker-compose.yml', 'Dockerfile'];
/** `image: NAME:TAG${VARIABLE-PIN}` and `FROM NAME:TAG${VARIABLE}`. */
const NAMED = /^(?: *image:|FROM) +([\w./-]+):([\w.-]+)\$\{(\w+_DIGEST)/gm;
/** The places of a variable's pin: `${VARIABLE-PIN}` for compose, `ARG VARIABLE=PIN` for a build without it. */
const pinsOf = (variable) =>
  new RegExp(`(\\$\\{${variable}-|^ARG ${variable}=)(@sha256:[0-9a-f]{64})?`, 'gm');

async function main() {
  const texts = FILES.map((file) => readFileSync(join(root, file), 'utf8'));
  const images = new Map(
    texts.flatMap((text) => [...text.matchAll(NAMED)].map((found) => [found[3], found])),
  );
  let written = texts;
  for (const [variable, [, name, tag]] of images) {
    const digest = `@${await digestOf(name, tag)}`;
    const isFresh = texts.every((text) =>
      [...text.matchAll(pinsOf(variable))].every(([, , pin]) => pin === digest),
    );
    process.stdout.write(
      `images: ${name}:${tag}${digest} ${isFresh ? 'is pinned' : 'is not what was pinned'}\n`,
    );
    written = written.map((text) =>
      text.replaceAll(pinsOf(variable), (_all, before) => `${before}${digest}`),
    );
  }
  if (values.check) return written.every((text, at) => text === texts[at]) ? 0 : 1;
  FILES.forEach((file, at) => writeFileSync(join(root, file), written[at]));
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  const why = error.cause?.message ?? error.message;
  process.stderr.write(`images: the registry ${values.registry} could not be asked: ${why}\n`);
  process.exitCode = 2;
}
