import '@foyer/platform/require-node';
import { existsSync } from 'node:fs';
import { commands } from './commands/index.ts';
import { run } from './run.ts';
import { Terminal } from './terminal.ts';

const CANNOT_TELL = 2;
const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());

// The reader of our output has gone (`… | head`), so there is nothing left to print.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', () => process.exit(CANNOT_TELL));
}

process.exitCode = await run({
  args: process.argv.slice(2),
  commands,
  terminal: new Terminal(),
  stopping: stopping.signal,
  // The default file is the one that docker compose reads in the same folder.
  loadEnvFile: (file) => {
    if (file !== undefined || existsSync('.env')) process.loadEnvFile(file ?? '.env');
  },
});
