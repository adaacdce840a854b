export { exportAudit, type AuditExportOptions } from './export.ts';
export { headsIn, headText, readAuditHead, toHead, type NotedHead } from './head.ts';
export {
  isMonthsKept,
  monthsKept,
  planAuditPruning,
  pruneAudit,
  type AuditPruned,
  type AuditPruningOptions,
  type AuditPruningPlan,
} from './prune.ts';
export {
  verifyAudit,
  verifyAuditExport,
  type AuditVerdict,
  type AuditVerification,
  type AuditVerifyOptions,
} from './verify.ts';
