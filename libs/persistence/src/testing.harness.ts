export { sealAll, writeCalls, writeMonth } from './audit/audit.harness.ts';
export * from './database/database.harness.ts';
export * from './database/statements.harness.ts';
