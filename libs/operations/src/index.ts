export * from './doctor/index.ts';
export * from './person.ts';
export * from './status.ts';
export * from './merge.ts';
