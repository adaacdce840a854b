import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

/** Imports go one way: contract <- domain <- adapters <- operations <- apps; tools may import all libraries. */
const boundaries = [
  { sourceTag: 'layer:contract', onlyDependOnLibsWithTags: [] },
  { sourceTag: 'layer:domain', onlyDependOnLibsWithTags: ['layer:contract'] },
  { sourceTag: 'layer:testing', onlyDependOnLibsWithTags: [] },
  {
    sourceTag: 'layer:adapter',
    onlyDependOnLibsWithTags: ['layer:contract', 'layer:domain', 'layer:testing'],
  },
  {
    sourceTag: 'layer:operations',
    onlyDependOnLibsWithTags: ['layer:contract', 'layer:domain', 'layer:adapter'],
  },
  {
    sourceTag: 'layer:app',
    onlyDependOnLibsWithTags: [
      'layer:contract',
      'layer:domain',
      'layer:adapter',
      'layer:operations',
      'layer:testing',
    ],
  },
  { sourceTag: 'layer:twin', onlyDependOnLibsWithTags: [] },
  {
    sourceTag: 'layer:tool',
    onlyDependOnLibsWithTags: [
      'layer:contract',
      'layer:domain',
      'layer:adapter',
      'layer:operations',
      'layer:testing',
    ],
  },
];

const noEnvironment = {
  selector: "MemberExpression[object.name='process'][property.name='env']",
  message: 'Only platform/config reads the environment.',
};

/** Only one file begins transactions and marks what runs inside; nothing in persistence can call out of the process. */
const noTransaction = [
  {
    selector: "MemberExpression[property.name='$transaction']",
    message: 'Use libs/persistence/src/database/transaction.ts.',
  },
  {
    selector:
      ':matches(Literal[value=/^\\s*(BEGIN|START TRANSACTION)\\b/], TemplateElement[value.raw=/^\\s*(BEGIN|START TRANSACTION)\\b/])',
    message: 'Use libs/persistence/src/database/transaction.ts.',
  },
];
/** SQL in persistence is a named statement, or the Prisma client for plain rows. */
const noThirdIdiom = [
  {
    selector: 'MemberExpression[property.name=/^\\$(query|execute)Raw/]',
    message: 'Write a statement (libs/persistence/src/database/statement.ts), and run it.',
  },
  {
    selector: "MemberExpression[object.name='Prisma'][property.name=/^(sql|raw|join|empty|Sql)$/]",
    message: 'Compose the text of a statement (libs/persistence/src/database/statement.ts).',
  },
  {
    selector: "CallExpression[callee.property.name='query']",
    message: 'Write a statement (libs/persistence/src/database/statement.ts), and run it.',
  },
];
const waysOut = ['http', 'https', 'http2', 'net', 'tls', 'dgram', 'undici'];
const reachingOut = [
  {
    group: [...waysOut, ...waysOut.map((name) => `node:${name}`)],
    message: 'Nothing here calls anybody: a transaction may be open.',
  },
];

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', '**/generated/**', '.nx/**', '.data/**'] },
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.recommendedTypeChecked],
    plugins: { '@nx': nx },
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@nx/enforce-module-boundaries': ['error', { allow: [], depConstraints: boundaries }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true, IIFEs: true }],
    },
  },
  {
    // Nest reads constructor types at run time, so a class that is injected must not become a type import.
    files: ['apps/{gateway,provisioner}/**/*.ts'],
    rules: { '@typescript-eslint/consistent-type-imports': 'off' },
  },
  {
    files: ['**/*.ts'],
    ignores: [
      'libs/platform/src/config*',
      'tools/**',
      '**/*.test.ts',
      '**/*.harness.ts',
      'apps/twins/src/*/config.ts',
      'libs/testing/**',
    ],
    rules: {
      'no-restricted-syntax': ['error', noEnvironment, ...noTransaction],
    },
  },
  {
    // The scripts of the gateway's pages: modules that a browser runs as they are.
    files: ['apps/gateway/src/http/pages/assets/*.js'],
    languageOptions: {
      globals: Object.fromEntries(
        ['document', 'fetch', 'location', 'setTimeout', 'SwaggerUIBundle'].map((name) => [name, 'readonly']),
      ),
    },
    rules: {
      'no-undef': 'error',
      'no-unused-vars': 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      eqeqeq: 'error',
    },
  },
  {
    files: ['libs/box/src/**/*.ts'],
    ignores: ['**/*.test.ts', '**/*.harness.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: [
            {
              name: 'box-node-sdk',
              message: 'Import from box-node-sdk/…: the index loads all of the SDK into every process.',
            },
          ],
        },
      ],
    },
  },
  {
    files: ['libs/persistence/src/**/*.ts'],
    ignores: ['**/*.test.ts', '**/*.harness.ts'],
    rules: {
      'no-restricted-imports': ['error', { patterns: reachingOut }],
      'no-restricted-globals': ['error', 'fetch', 'WebSocket', 'EventSource'],
    },
  },
  {
    files: ['libs/persistence/src/**/*.ts'],
    ignores: ['libs/persistence/src/{database,migrations}/**', '**/*.test.ts', '**/*.harness.ts'],
    rules: {
      'no-restricted-syntax': ['error', noEnvironment, ...noTransaction, ...noThirdIdiom],
    },
  },
  {
    // A command parses and prints. What it does is in libs/operations, which REST and a console can call, too.
    files: ['apps/operator/src/commands/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          paths: ['@foyer/box', '@foyer/persistence', '@foyer/queue', '@foyer/roster'].map((name) => ({
            name,
            allowTypeImports: true,
            message: 'Call libs/operations instead.',
          })),
        },
      ],
    },
  },
  {
    files: ['libs/persistence/src/database/transaction.ts'],
    rules: { 'no-restricted-syntax': ['error', noEnvironment] },
  },
  {
    files: ['**/*.test.ts', '**/*.harness.ts'],
    rules: { 'max-lines-per-function': 'off', 'max-lines': 'off' },
  },
);
