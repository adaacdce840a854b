export * from './audit.ts';
export * from './errors.ts';
export * from './fields.ts';
export * from './jobs.ts';
export * from './person.ts';
export * from './request.ts';
export * from './rest.ts';
export * from './text.ts';
