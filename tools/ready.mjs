// Prepares a fresh clone: installs what is missing, generates the Prisma client, builds. Runs before `npm start` and
// `npm test`, so it uses Node's built-ins only and skips finished steps.
//   node tools/ready.mjs [--until install|generate|build] [--root FOLDER]
const oldest = 20;
const major = Number(process.versions.node.split('.')[0]);

if (major < oldest) {
  process.stderr.write(
    'Foyer needs Node ' +
      oldest +
      ' or newer to begin with; this is Node ' +
      process.versions.node +
      '.\n' +
      'What to do: install a current Node (https://nodejs.org), then run the same command again.\n',
  );
  process.exit(1);
}

import('./ready/main.mjs')
  .then((ready) => ready.main(process.argv.slice(2)))
  .then((code) => {
    process.exitCode = code;
  });
