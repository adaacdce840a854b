import { auditMeasurement } from './audit.ts';
import { drainMeasurements } from './drain.ts';
import { type Measurement } from './figure.ts';
import { mainJobMeasurements } from './main-job.ts';
import { memoryMeasurement } from './memory.ts';

/** Everything that `npm run bench` measures, in this order. */
export const catalog: readonly Measurement[] = [
  ...mainJobMeasurements,
  ...drainMeasurements,
  auditMeasurement,
  memoryMeasurement,
];
