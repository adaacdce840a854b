export * from './twin.harness.ts';
