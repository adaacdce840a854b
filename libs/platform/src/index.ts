export * from './budget-report.ts';
export * from './config.ts';
export { ConfigError, type Environment } from './config-read.ts';
export * from './health.ts';
export * from './heartbeat.ts';
export * from './lifecycle.ts';
export * from './logging.ts';
export * from './metrics.ts';
export * from './problem.ts';
