export * from './call-log/api-calls.ts';
export * from './box-accounts/box-accounts.ts';
export * from './box-accounts/box-app.ts';
export * from './box-accounts/box-app-migration.ts';
export type { KeptReason } from './audit/needed.ts';
export * from './audit/pruner.ts';
export * from './audit/reader.ts';
export * from './audit/sealer.ts';
export * from './batches/batch-intake.ts';
export * from './batches/batches.ts';
export * from './batches/forecast-store.ts';
export * from './budget/box-budget-store.ts';
export * from './budget/box-budget.ts';
export { PrismaCallLog, type CallRecord, type RefusedRecord } from './call-log/call-log.ts';
export * from './convergence/convergence-store.ts';
export * from './database/database.ts';
export * from './groups/group-store.ts';
export * from './identities/connections.ts';
export * from './identities/identities.ts';
export * from './identities/intake.ts';
export type { RetryAdmission } from './requests/retry-request.ts';
export * from './identities/merges.ts';
export * from './migrations/migrate.ts';
export type { About, OpenedRequest } from './requests/new-request.ts';
export * from './requests/relay-store.ts';
export * from './requests/request-versions.ts';
export * from './requests/request-watch.ts';
export * from './requests/requests.ts';
export * from './scim/groups/groups.ts';
export * from './scim/users/user.ts';
export * from './scim/users/users.ts';
export {
  PAGE_DEFAULT as SCIM_PAGE_DEFAULT,
  PAGE_MAX as SCIM_PAGE_MAX,
  type ScimPage,
} from './scim/listing.ts';
export * from './requests/dead-letters.ts';
export * from './scim/tokens/token-expiry.ts';
export { isScimToken } from './scim/tokens/token-text.ts';
export * from './scim/tokens/tokens.ts';
export * from './verify/verify-repairs.ts';
export * from './verify/verify-store.ts';
export * from './overview/database-facts.ts';
export * from './overview/people.ts';
export * from './overview/work.ts';
export * from './processes/processes.ts';
export * from './identities/held-sign-ins.ts';
export * from './identities/used-sign-ins.ts';
