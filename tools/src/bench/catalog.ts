import { auditMeasurement } from './audit.ts';
import { bulkLimitMeasurement } from './bulk-limit.ts';
import { drainMeasurements } from './drain.ts';
import { type Measurement } from './figure.ts';
import { mainJobMeasurements } from './main-job.ts';
import { memoryMeasurement } from './memory.ts';
import { pollsMeasurement } from './polls.ts';
import { signInUnderBulkMeasurement } from './sign-in-under-bulk.ts';
import { scimMeasurements } from './scim.ts';
import { sizeMeasurement } from './size.ts';

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
