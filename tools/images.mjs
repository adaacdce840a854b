// Pins the base images of docker-compose.yml and the Dockerfile by their digests, and updates the pins: asks the
// registry for each tag's current digest, and writes it after the tag. Every build then uses the same image until this
// runs again.
//   node tools/images.mjs            writes the digests; commit what changed
//   node tools/images.mjs --check    writes nothing; exit status 1 when a tag is not pinned or has a newer digest
// Exit status 2, with a sentence: a registry cannot be reached, or does not know a tag; nothing was changed.
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const USAGE = 'node tools/images.mjs [--check] [--registry https://registry.example.com]';
/** The exit status when the pins could not be read or compared. */
const UNDECIDED = 2;

/** Ends with one sentence, which says what to do. */
function stop(sentence) {
  process.stderr.write(`images: ${sentence}\n`);
  process.exit(UNDECIDED);
}

function readOptions() {
  try {
    return parseArgs({
      options: {
        check: { type: 'boolean' },
        root: { type: 'string' },
        registry: { type: 'string', default: 'https://registry-1.docker.io' },
      },
    }).values;
  } catch (error) {
    return stop(`${error.message.replace(/\.?$/, '.')} Usage: ${USAGE}`);
  }
}

const values = readOptions();
const root = resolve(values.root ?? join(import.meta.dirname, '..'));
const INDEXES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
].join(', ');
const LIMIT_MS = 20_000;

/** One request; ends the program when there is no answer. */
async function ask(url, options = {}) {
  try {
    return await fetch(url, { ...options, signal: AbortSignal.timeout(LIMIT_MS) });
  } catch (error) {
    const why = error.cause?.code ?? error.cause?.message ?? error.message;
    return stop(
      `${originOf(url)} cannot be reached (${why}), and nothing was changed. Check the network, or set HTTPS_PROXY ` +
        'and NODE_USE_ENV_PROXY=1 if there is a proxy, and run this again.',
    );
  }
}

const originOf = (url) => (URL.canParse(url) ? new URL(url).origin : `"${url}"`);

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
    stop(
      `${values.registry} answered ${answer.status} without a digest for ${name}:${tag}, and nothing was changed. ` +
        'Check this tag in docker-compose.yml and the Dockerfile.',
    );
  return digest;
}

/** An anonymous token, from the address in the registry's challenge. */
async function tokenFor(challenge, repository) {
  const part = (key) => new RegExp(`${key}="([^"]*)"`).exec(challenge)?.[1] ?? '';
  if (!URL.canParse(part('realm')))
    stop(`${values.registry} does not say where to get a token, and nothing was changed. Check --registry.`);
  const url = new URL(part('realm'));
  url.searchParams.set('service', part('service'));
  url.searchParams.set('scope', `repository:${repository}:pull`);
  const answer = await ask(url);
  if (!answer.ok)
    stop(
      `${url.origin} answered ${answer.status} without a token for ${repository}, and nothing was changed. ` +
        'It may limit anonymous requests: run this again later.',
    );
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
      `images: ${name}:${tag}${digest} ${isFresh ? 'is pinned' : values.check ? 'is not pinned: run this without --check' : 'was pinned now'}\n`,
    );
    written = written.map((text) =>
      text.replaceAll(pinsOf(variable), (_all, before) => `${before}${digest}`),
    );
  }
  if (values.check) return written.every((text, at) => text === texts[at]) ? 0 : 1;
  FILES.forEach((file, at) => writeFileSync(join(root, file), written[at]));
  return 0;
}

process.exitCode = await main();
