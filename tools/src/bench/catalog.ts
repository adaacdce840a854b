import { auditMeasurement } from './figures/audit.ts';
import { bulkLimitMeasurement } from './figures/bulk-limit.ts';
import { drainMeasurements } from './figures/drain.ts';
import { type Measurement } from './figure.ts';
import { mainJobMeasurements } from './figures/main-job.ts';
import { memoryMeasurement } from './figures/memory.ts';
import { pollsMeasurement } from './figures/polls.ts';
import { signInUnderBulkMeasurement } from './figures/sign-in-under-bulk.ts';
import { scimMeasurements } from './figures/scim.ts';
import { sizeMeasurement } from './figures/size.ts';

/** All figures of `npm run bench`, in order. */
export const catalog: readonly Measurement[] = [
  ...mainJobMeasurements,
  bulkLimitMeasurement,
  signInUnderBulkMeasurement,
  ...drainMeasurements,
  auditMeasurement,
  sizeMeasurement,
  ...scimMeasurements,
  memoryMeasurement,
  pollsMeasurement,
];
