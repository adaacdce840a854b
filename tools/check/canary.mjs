// Nx silently skips the boundary rule when it has no project graph. So each run of the check plants violations in real
// files, and fails unless every one of them is detected.
import { ESLint } from 'eslint';

const planted = [
  ['libs/shared/src/index.ts', '@foyer/persistence', 'the contract imports an adapter'],
  ['libs/provisioning/src/index.ts', '@foyer/box', 'the domain imports an adapter'],
  ['libs/box/src/index.ts', '@foyer/queue', 'an adapter imports another'],
  ['libs/persistence/src/index.ts', '@foyer/operations', 'an adapter imports operations'],
  ['apps/twins/src/box/main.ts', '@foyer/shared', 'a twin imports what it is to witness'],
  ['apps/gateway/src/main.ts', '../../provisioner/src/main.ts', 'an app imports another'],
];

/**
 * The same for the rules that keep calls out of transactions, a third idiom of SQL out of persistence, and work out of
 * the operators' commands: the file, the planted code, and the rule that must detect it.
 */
const alsoPlanted = [
  [
    'apps/gateway/src/main.ts',
    "export const begun = (db) => db.prisma.$transaction(() => fetch('/'));",
    'no-restricted-syntax',
    'an app begins a transaction',
  ],
  [
    'libs/persistence/src/identities/intake.ts',
    "export const begun = 'BEGIN';",
    'no-restricted-syntax',
    'a store begins a transaction by hand',
  ],
  [
    'libs/persistence/src/identities/intake.ts',
    "export const answer = fetch('https://api.box.com');",
    'no-restricted-globals',
    'persistence fetches',
  ],
  [
    'libs/persistence/src/identities/intake.ts',
    "import { get } from 'node:https';\nexport const planted = get;",
    'no-restricted-imports',
    'persistence imports HTTP',
  ],
  [
    'libs/persistence/src/identities/intake.ts',
    "import { createBox } from '@foyer/box';\nexport const planted = createBox;",
    '@nx/enforce-module-boundaries',
    'persistence imports Box',
  ],
  [
    'libs/persistence/src/identities/intake.ts',
    "import { createQueue } from '@foyer/queue';\nexport const planted = createQueue;",
    '@nx/enforce-module-boundaries',
    'persistence imports the queue',
  ],
  ...[
    ["export const planted = (pool) => pool.query('SELECT 1');", 'a store queries the pool'],
    ['export const planted = (tx) => tx.$queryRaw`SELECT 1`;', 'a store runs raw SQL of Prisma'],
    [
      "export const planted = (tx) => tx.$executeRawUnsafe('SELECT 1');",
      'a store runs raw SQL of Prisma given as text',
    ],
    [
      "import { Prisma } from '../generated/client.ts';\nexport const planted = Prisma.sql`true`;",
      'a store composes SQL with Prisma',
    ],
  ].map(([code, violation]) => [
    'libs/persistence/src/identities/intake.ts',
    code,
    'no-restricted-syntax',
    violation,
  ]),
  [
    'apps/operator/src/commands/status.ts',
    "import { DeadLetters } from '@foyer/persistence';\nexport const planted = DeadLetters;",
    '@typescript-eslint/no-restricted-imports',
    'a command does what an operation does',
  ],
];

const eslint = new ESLint();
const missed = [];
for (const [filePath, code, rule, violation] of alsoPlanted) {
  const [{ messages }] = await eslint.lintText(`${code}\n`, { filePath });
  if (!messages.some(({ ruleId }) => ruleId === rule)) missed.push(violation);
}
for (const [filePath, target, violation] of planted) {
  const code = `import * as planted from '${target}';\nexport const canary = planted;\n`;
  const [{ messages }] = await eslint.lintText(code, { filePath });
  if (!messages.some(({ ruleId }) => ruleId === '@nx/enforce-module-boundaries')) missed.push(violation);
}
if (missed.length > 0) {
  console.error(`A rule does not work: it was not detected that ${missed.join(', nor that ')}.`);
  process.exit(1);
}
console.log(`The rules work: all ${planted.length + alsoPlanted.length} planted violations were detected.`);
