import { auditMeasurement } from './audit.ts';
import { bulkLimitMeasurement } from './bulk-limit.ts';
import { drainMeasurements } from './drain.ts';
import { type Measurement } from './figure.ts';
import { mainJobMeasurements } from './main-job.ts';
import { memoryMeasurement } from './memory.ts';
import { signInUnderBulkMeasurement } from './sign-in-under-bulk.ts';
import { scimMeasurements } from './scim.ts';
import { sizeMeasurement } from './size.ts';

/** Everything that `npm run bench` measures, in this order. */
export const catalog: readonly Measurement[] = [
  ...mainJobMeasurements,
  bulkLimitMeasurement,
  signInUnderBulkMeasurement,
  ...drainMeasurements,
  auditMeasurement,
  sizeMeasurement,
  ...scimMeasurements,
  memoryMeasurement,
];
