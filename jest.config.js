// One Jest run over every project, in ES modules: `npm test -- libs/box` runs one room.
export default {
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['@foyer/source', 'node', 'node-addons'] },
  extensionsToTreatAsEsm: ['.ts'],
  roots: ['<rootDir>/apps', '<rootDir>/libs', '<rootDir>/tools'],
  testMatch: ['**/src/**/*.test.ts'],
  modulePathIgnorePatterns: ['/dist/'],
  globalSetup: '<rootDir>/tools/jest/global-setup.mjs',
  globalTeardown: '<rootDir>/tools/jest/global-teardown.mjs',
  testSequencer: '<rootDir>/tools/jest/sequencer.mjs',
  reporters: ['default', '<rootDir>/tools/jest/reporter.mjs'],
  testTimeout: 120_000,
  // On two cores as well: many tests mostly wait for time limits and for other processes.
  maxWorkers: 3,
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        swcrc: false,
        jsc: {
          target: 'es2024',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
          keepClassNames: true,
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
};
