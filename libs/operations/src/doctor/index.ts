export { runChecks, type Check, type CheckResult, type Finding } from './check.ts';
export { examine, isHealthy, type DoctorSources } from './doctor.ts';
export type { BoxSources } from './box.ts';
