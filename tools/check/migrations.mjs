// A migration that has landed never changes: databases that applied its earlier text would keep that schema and count
// as up to date. `prisma/migrations/landed.txt` has the checksum of each; this compares the files with the list, and
// the list with all of its earlier versions in this clone's history.
//   node tools/check/migrations.mjs            part of `npm run check`
//   node tools/check/migrations.mjs --record   adds new migrations to the list; changes no line that is there
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const FOLDER = 'prisma/migrations';
const LIST = `${FOLDER}/landed.txt`;
const RESTORE = 'restore it (git checkout), and write a new migration for the change';

const { values } = parseArgs({ options: { root: { type: 'string' }, record: { type: 'boolean' } } });
const root = resolve(values.root ?? join(import.meta.dirname, '..', '..'));

function readList() {
  const file = join(root, LIST);
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split(/\r?\n/) : [];
  return lines.filter((line) => line !== '' && !line.startsWith('#'));
}

/** The checksum does not depend on the line endings of a checkout. */
const checksumOf = (file) =>
  createHash('sha256').update(readFileSync(file, 'utf8').replaceAll('\r\n', '\n')).digest('hex');

function migrationsOnDisk() {
  const folders = readdirSync(join(root, FOLDER), { withFileTypes: true });
  return folders
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => ({ name, file: join(root, FOLDER, name, 'migration.sql') }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The lines that the list had in any commit, as far back as this clone's history goes. */
function linesOfHistory() {
  const log = spawnSync('git', ['log', '--format=', '-p', '-m', '--unified=0', '--', LIST], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 2 ** 20,
  });
  if (log.status !== 0) return [];
  const changed = log.stdout.split(/\r?\n/).filter((line) => /^[-+][0-9a-f]{64} {2}/.test(line));
  return [...new Set(changed.map((line) => line.slice(1)))];
}

/** The name and checksum of a migration, from a well-formed line. */
function entryOf(line) {
  const [, checksum, name, superseded] = /^([0-9a-f]{64}) {2}(\d{14}_\w+)( {2}superseded)?$/.exec(line) ?? [];
  return checksum === undefined ? undefined : { checksum, name, isCurrent: superseded === undefined };
}

function problemsOf(lines) {
  const problems = [];
  const listed = new Map();
  for (const line of lines) {
    const entry = entryOf(line);
    if (!entry) problems.push(`${LIST}: "${line}" is not a checksum and a name`);
    else if (entry.isCurrent && listed.has(entry.name)) problems.push(`${LIST}: ${entry.name} occurs twice`);
    else if (entry.isCurrent) listed.set(entry.name, entry.checksum);
  }
  const onDisk = new Set();
  for (const { name, file } of migrationsOnDisk()) {
    onDisk.add(name);
    const landed = listed.get(name);
    const what = `${FOLDER}/${name}/migration.sql`;
    if (!existsSync(file)) problems.push(`${what} is missing: ${RESTORE}`);
    else if (landed === undefined)
      problems.push(`${what} is not in ${LIST}: run node tools/check/migrations.mjs --record`);
    else if (landed !== checksumOf(file))
      problems.push(`${what} was changed after it had landed: ${RESTORE}`);
  }
  for (const name of listed.keys()) {
    if (!onDisk.has(name))
      problems.push(`${FOLDER}/${name} was renamed or deleted after it had landed: ${RESTORE}`);
  }
  return [...problems, ...lostLines(lines)];
}

/** A landed checksum stays in the list; it may be marked as superseded when a later migration compensates for it. */
function lostLines(lines) {
  const bare = (line) => line.replace(/ {2}superseded$/, '');
  const now = new Set(lines.map(bare));
  return linesOfHistory()
    .filter((line) => !now.has(bare(line)))
    .map((line) => `${LIST}: a line was changed or removed. Restore it: "${line}"`);
}

if (values.record) {
  const listed = readList().map(entryOf);
  const names = new Set(listed.filter((entry) => entry?.isCurrent).map(({ name }) => name));
  for (const { name, file } of migrationsOnDisk()) {
    if (names.has(name)) continue;
    appendFileSync(join(root, LIST), `${checksumOf(file)}  ${name}\n`);
    process.stdout.write(`migrations: recorded ${name}\n`);
  }
}
const problems = problemsOf(readList());
for (const problem of problems) process.stderr.write(`migrations: ${problem}\n`);
process.exitCode = problems.length === 0 ? 0 : 1;
