export * from './api-calls.ts';
export * from './box-accounts.ts';
export * from './box-app.ts';
export * from './box-app-moves.ts';
export type { KeptReason } from './audit/needed.ts';
export * from './audit/pruner.ts';
export * from './audit/reader.ts';
export * from './audit/sealer.ts';
export * from './batches/batch-intake.ts';
export * from './batches/batches.ts';
export * from './batches/forecast-store.ts';
export * from './box-budget-store.ts';
export * from './box-budget.ts';
export { PrismaCallLog } from './call-log.ts';
export * from './convergence-store.ts';
export * from './database.ts';
export * from './groups/group-store.ts';
export * from './identities.ts';
export * from './intake.ts';
export * from './migrations/migrate.ts';
export type { About, MadeRequest } from './new-request.ts';
export * from './relay-store.ts';
export * from './request-versions.ts';
export * from './request-watch.ts';
export * from './requests.ts';
export * from './scim/groups.ts';
export * from './scim/user.ts';
export * from './scim/users.ts';
export {
  PAGE_DEFAULT as SCIM_PAGE_DEFAULT,
  PAGE_MAX as SCIM_PAGE_MAX,
  type ScimPage,
} from './scim/listing.ts';
export * from './dead-letters.ts';
export * from './scim/token-expiry.ts';
export { isScimToken } from './scim/token-text.ts';
export * from './scim/tokens.ts';
export * from './verify-repairs.ts';
export * from './verify-store.ts';
export * from './overview/database-facts.ts';
export * from './overview/people.ts';
export * from './overview/work.ts';
export * from './processes/processes.ts';
export * from './held-sign-ins.ts';
export * from './used-sign-ins.ts';
