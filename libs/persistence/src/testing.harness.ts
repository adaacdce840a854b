export * from './database/database.harness.ts';
