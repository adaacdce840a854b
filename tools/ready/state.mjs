import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The last steps and their inputs. Stored in node_modules, so that a new installation starts over. */
export function readStamp(root, name) {
  try {
    return readFileSync(stampFile(root, name), 'utf8');
  } catch {
    return '';
  }
}

export function writeStamp(root, name, value) {
  mkdirSync(dirname(stampFile(root, name)), { recursive: true });
  writeFileSync(stampFile(root, name), value);
}

const stampFile = (root, name) => join(root, 'node_modules', '.foyer', name);

/** Why packages must be installed; undefined when everything in the lockfile is installed. */
export function missingPackages(root) {
  const lock = readPackages(join(root, 'package-lock.json'));
  if (!lock) return undefined;
  if (!existsSync(join(root, 'node_modules'))) return 'there is no node_modules folder yet';
  const installed = readPackages(join(root, 'node_modules', '.package-lock.json'));
  if (!installed) return 'the last installation did not finish';
  for (const [path, wanted] of Object.entries(lock)) {
    // Optional packages depend on the machine, and a workspace folder is not an installed package.
    if (
      !path.includes('node_modules/') ||
      wanted.optional ||
      wanted.devOptional ||
      wanted.peer ||
      wanted.link
    )
      continue;
    const has = installed[path];
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    if (!has) return `${name} is missing`;
    if (has.version !== wanted.version) return `${name} is ${has.version}, but should be ${wanted.version}`;
  }
  return undefined;
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** A fingerprint of the contents of these files. */
export function contentOf(root, files) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(file).update(readFileSync(join(root, file)));
  return hash.digest('hex');
}

const ROOMS = ['apps', 'libs', 'tools'];

/** A fingerprint of everything that a build reads, by size and modification time. */
export function sourcesOf(root) {
  const hash = createHash('sha256');
  const add = (path) => {
    const { size, mtimeMs } = statSync(path);
    hash.update(`${path} ${size} ${mtimeMs}\n`);
  };
  for (const file of ['package-lock.json', 'tsconfig.base.json', 'nx.json']) {
    if (existsSync(join(root, file))) add(join(root, file));
  }
  for (const project of projectsOf(root)) {
    for (const file of ['package.json', 'tsconfig.json', 'tsconfig.build.json'])
      if (existsSync(join(project, file))) add(join(project, file));
    if (!existsSync(join(project, 'src'))) continue;
    const entries = readdirSync(join(project, 'src'), { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile() && !/\.(test|harness)\.ts$/.test(entry.name));
    for (const path of files.map((entry) => join(entry.parentPath ?? entry.path, entry.name)).sort())
      add(path);
  }
  return hash.digest('hex');
}

/** Whether every project with sources has build output. */
export function isBuilt(root) {
  return projectsOf(root).every(
    (project) => !existsSync(join(project, 'src')) || existsSync(join(project, 'dist')),
  );
}

function projectsOf(root) {
  const folders = ROOMS.filter((room) => existsSync(join(root, room))).flatMap((room) =>
    existsSync(join(root, room, 'package.json'))
      ? [join(root, room)]
      : readdirSync(join(root, room)).map((name) => join(root, room, name)),
  );
  return folders.filter((folder) => existsSync(join(folder, 'package.json'))).sort();
}
