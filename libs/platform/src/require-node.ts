/**
 * Ends the process with one sentence on a Node.js that is too old. Every program imports it first for this effect,
 * because an older Node.js would fail later, on a missing function.
 */
const OLDEST = [22, 19] as const;

/** The sentence, or null when `version` (such as 24.1.0) is supported. */
export function nodeProblem(version: string): string | null {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return null;
  return (
    `Foyer needs Node.js ${OLDEST.join('.')} or newer; this is ${version}. ` +
    'Install a current one, or use the one that npm installed here: node_modules/.bin/node.'
  );
}

const problem = nodeProblem(process.versions.node);
if (problem !== null) {
  process.stderr.write(`${problem}\n`);
  process.exit(1);
}
