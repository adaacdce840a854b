export * from './box-port.contract.harness.ts';
export * from './fake-box.harness.ts';
