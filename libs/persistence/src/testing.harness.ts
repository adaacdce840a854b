export * from './database/database.harness.ts';
export * from './database/statements.harness.ts';
