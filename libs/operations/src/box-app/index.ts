export { describeBoxApp } from '@foyer/persistence';
export { acceptBoxApp, type Acceptance, type AcceptOptions } from './accept.ts';
export { migrateBoxApp, planBoxAppMigration, type MigrationPlan } from './migrate.ts';
export { recreateBoxUser, type UserRecreation } from './recreate.ts';
export { boxAppSources, readBoxApp, type BoxAppSources } from './sources.ts';
