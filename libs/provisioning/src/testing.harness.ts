export * from './box-groups-port.contract.harness.ts';
export * from './box-lifecycle.contract.harness.ts';
export * from './box-port.contract.harness.ts';
export * from './budget-store.contract.harness.ts';
export * from './fake-box.harness.ts';
export { type BoxMethod, type Trouble } from './fake-calls.harness.ts';
export * from './memory-budget.harness.ts';
export * from './memory-call-log.harness.ts';
export * from './fault-proxy.harness.ts';
