import type { BoxFault, BoxResult } from './box-port.ts';

/** The call's value; fails the test if there is none. */
export function value<T>(result: BoxResult<T>): T {
  if (!result.ok) throw new Error(`${result.fault.code}: ${result.fault.detail}`);
  return result.value;
}

/** The call's fault; fails the test if there is none. */
export function fault(result: BoxResult<unknown>): BoxFault {
  if (result.ok) throw new Error('The call went well.');
  return result.fault;
}
