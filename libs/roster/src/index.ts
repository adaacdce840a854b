export * from './roster.ts';
export * from './until-aborted.ts';
