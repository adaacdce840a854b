export * from './groups/box-groups-port.contract.harness.ts';
export * from './people/box-files.contract.harness.ts';
export * from './people/box-lifecycle.contract.harness.ts';
export * from './people/box-port.contract.harness.ts';
export * from './budget/budget-store.contract.harness.ts';
export * from './people/fake-box.harness.ts';
export { type BoxMethod, type Trouble } from './attempts/fake-calls.harness.ts';
export * from './budget/memory-budget.harness.ts';
export * from './attempts/memory-call-log.harness.ts';
