import { spawn } from 'node:child_process';
import { adviceFor, Problem } from './advice.mjs';

const TELL_MS = 1500;
const SHOWN_FIRST = 12;
const SHOWN_LAST = 28;

/**
 * Runs a program, reports regularly how long it has run and its last output, and explains its failure.
 * @returns {Promise<void>} rejects with a Problem
 */
export function run({ what, why, command, args, cwd, env, say, otherwise }) {
  return new Promise((resolve, reject) => {
    const started = Date.now();
    const seconds = () => `${Math.round((Date.now() - started) / 1000)} s`;
    let output = '';
    say(`${what} (${why}) …`);
    // A process group of its own, so that all of it ends together.
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    const tell = setInterval(() => say(`${what} … ${seconds()}${lastLine(output)}`), TELL_MS);
    const endGroup = (signal) => {
      try {
        process.kill(-child.pid, signal);
      } catch {
        return;
      }
    };
    const interrupted = (signal) => {
      endGroup('SIGTERM');
      reject(
        new Problem(
          `interrupted by ${signal} while ${what}`,
          'run the same command again; it continues where possible',
        ),
      );
    };
    const onInt = () => interrupted('SIGINT');
    const onTerm = () => interrupted('SIGTERM');
    process.once('SIGINT', onInt);
    process.once('SIGTERM', onTerm);
    const done = () => {
      clearInterval(tell);
      process.off('SIGINT', onInt);
      process.off('SIGTERM', onTerm);
    };
    const keep = (chunk) => {
      output = (output + chunk).slice(-100_000);
    };
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    child.once('error', (error) => {
      done();
      const advice =
        error.code === 'ENOENT'
          ? `"${command}" was not found: ${otherwise}`
          : adviceFor(String(error), otherwise);
      reject(new Problem(`${what} failed: ${error.message}`, advice));
    });
    child.once('close', (code, signal) => {
      done();
      if (code === 0) {
        say(`${what}: done in ${seconds()}`);
        resolve();
        return;
      }
      const lines = shortened(output.trimEnd().split('\n'));
      process.stderr.write(`${lines.map((line) => `    | ${line}`).join('\n')}\n`);
      reject(new Problem(`${what} failed (${signal ?? `exit code ${code}`})`, adviceFor(output, otherwise)));
    });
  });
}

/** The beginning, where npm names the cause, and the end, where compilers do. */
function shortened(lines) {
  if (lines.length <= SHOWN_FIRST + SHOWN_LAST) return lines;
  return [...lines.slice(0, SHOWN_FIRST), '…', ...lines.slice(-SHOWN_LAST)];
}

function lastLine(output) {
  const line = output.trimEnd().split('\n').at(-1) ?? '';
  const plain = line.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '').trim();
  return plain === '' || /^npm warn/i.test(plain) ? '' : ` (${plain.slice(0, 80)})`;
}
