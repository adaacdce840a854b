export * from './admission.ts';
export * from './in-step.ts';
export * from './links.ts';
export * from './merge.ts';
export * from './names.ts';
export * from './returning.ts';
