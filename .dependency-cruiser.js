// The Nx boundary rule checks imports between projects. This checks the rest: no cycles (type-only ones included), no
// imports between the gateway's rooms, and each outside package in one project only.
const commons = 'http|sessions|intake|access|okta|limits';

export default {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'rooms-keep-to-themselves',
      comment: `A room of the gateway imports no other room but ${commons}; the home page shows the person's files.`,
      severity: 'error',
      from: { path: '^apps/gateway/src/([^/]+)/', pathNot: '\\.(test|harness)\\.ts$' },
      to: {
        path: '^apps/gateway/src/[^/]+/',
        pathNot: [`^apps/gateway/src/($1|${commons})/`, '^apps/gateway/src/files/'],
      },
    },
    {
      name: 'files-are-for-the-home-page',
      severity: 'error',
      from: {
        path: '^apps/gateway/src/',
        pathNot: ['^apps/gateway/src/(files|home)/', 'app\\.module\\.ts$', '\\.(test|harness)\\.ts$'],
      },
      to: { path: '^apps/gateway/src/files/' },
    },
    {
      name: 'testing-is-for-tests',
      comment: 'What runs in production has no code of tests.',
      severity: 'error',
      from: { path: '^(apps|libs|tools)/', pathNot: ['^libs/testing/', '\\.(test|harness)\\.ts$'] },
      to: { path: '^libs/testing/' },
    },
    {
      name: 'only-persistence-has-prisma',
      severity: 'error',
      from: { pathNot: '^libs/persistence/' },
      to: { path: 'node_modules/(@prisma|prisma)/' },
    },
    {
      name: 'only-queue-has-bullmq',
      severity: 'error',
      from: { pathNot: '^(libs/queue|tools)/' },
      to: { path: 'node_modules/(bullmq|ioredis)/' },
    },
    {
      name: 'only-box-has-the-sdk',
      severity: 'error',
      from: { path: '^(apps|libs|tools)/', pathNot: ['^libs/box/', '\\.(test|harness)\\.ts$'] },
      to: { path: 'node_modules/box-node-sdk/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|generated)/' },
    includeOnly: '^(apps|libs|tools)/|node_modules/(@prisma|prisma|bullmq|ioredis|box-node-sdk)/',
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@foyer/source', 'import', 'node'],
    },
  },
};
