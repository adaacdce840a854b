export * from './database.harness.ts';
