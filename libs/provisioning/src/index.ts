export * from './box-port.ts';
export * from './converge.ts';
export * from './display-name.ts';
export * from './model.ts';
export * from './plan.ts';
export * from './queue-port.ts';
export * from './retry.ts';
export * from './store-port.ts';
