import '@foyer/platform/require-node';
import { existsSync } from 'node:fs';
import { commands } from './commands/index.ts';
import { run } from './run.ts';
import { Terminal } from './terminal.ts';

const CANNOT_TELL = 2;
const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());

// Whoever read our output has gone (`… | head`): there is nobody left to tell anything.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', () => process.exit(CANNOT_TELL));
}

process.exitCode = await run({
  args: process.argv.slice(2),
  commands,
  terminal: new Terminal(),
  stopping: stopping.signal,
  // Without a file named: what docker compose reads, for an operator who calls from the same folder.
  loadEnvFile: (file) => {
    if (file !== undefined || existsSync('.env')) process.loadEnvFile(file ?? '.env');
  },
});
