export * from './box-app/index.ts';
export * from './dead/index.ts';
export * from './doctor/index.ts';
export { listHeldSignIns, releaseHeldSignIn } from './held.ts';
export * from './on-record.ts';
export * from './person.ts';
export type { TenantSources } from './sources.ts';
export * from './status.ts';
export * from './merge.ts';
