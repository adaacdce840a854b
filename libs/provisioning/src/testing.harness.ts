export * from './box-port.contract.harness.ts';
export * from './budget-store.contract.harness.ts';
export * from './fake-box.harness.ts';
export * from './memory-budget.harness.ts';
