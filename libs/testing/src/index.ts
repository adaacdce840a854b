export * from './box-twin.ts';
export * from './fault-proxy.ts';
export * from './twin.ts';
export * from './until.ts';
