// The boundary rule is silently skipped when Nx has no project graph. So each run of the check plants violations where
// real files are, and fails unless every one of them is caught.
import { ESLint } from 'eslint';

const planted = [
  ['libs/shared/src/index.ts', '@foyer/persistence', 'the contract imports an adapter'],
  ['libs/provisioning/src/index.ts', '@foyer/box', 'the domain imports an adapter'],
  ['libs/box/src/index.ts', '@foyer/queue', 'an adapter imports another'],
  ['apps/twins/src/box/main.ts', '@foyer/shared', 'a twin imports what it is to witness'],
  ['apps/gateway/src/main.ts', '../../provisioner/src/main.ts', 'an app imports another'],
];

const eslint = new ESLint();
const missed = [];
for (const [filePath, target, violation] of planted) {
  const code = `import * as planted from '${target}';\nexport const canary = planted;\n`;
  const [{ messages }] = await eslint.lintText(code, { filePath });
  if (!messages.some(({ ruleId }) => ruleId === '@nx/enforce-module-boundaries')) missed.push(violation);
}
if (missed.length > 0) {
  console.error(`The boundary rule sleeps: it did not catch that ${missed.join(', nor that ')}.`);
  process.exit(1);
}
console.log(`The boundary rule is awake: it caught all ${planted.length} planted violations.`);
