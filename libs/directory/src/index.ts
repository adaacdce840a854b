export * from './admission.ts';
export * from './conflict.ts';
export * from './in-step.ts';
export * from './link-rule.ts';
export * from './merge.ts';
export * from './names.ts';
export * from './resource-change.ts';
export * from './returning.ts';
