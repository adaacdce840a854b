export * from './errors.ts';
export * from './person.ts';
