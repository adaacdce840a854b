export * from './person.ts';
export * from './status.ts';
