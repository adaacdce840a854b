import type { BoxFault, BoxResult } from './box-port.ts';

/** What the call gave, or the test fails. */
export function value<T>(result: BoxResult<T>): T {
  if (!result.ok) throw new Error(`${result.fault.code}: ${result.fault.detail}`);
  return result.value;
}

/** Why the call failed, or the test fails. */
export function fault(result: BoxResult<unknown>): BoxFault {
  if (result.ok) throw new Error('The call went well.');
  return result.fault;
}
