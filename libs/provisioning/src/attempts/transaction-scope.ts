import { AsyncLocalStorage } from 'node:async_hooks';

const scope = new AsyncLocalStorage<true>();

/** Runs `work`, and everything that it awaits, marked as inside a database transaction. For code that begins one. */
export const insideTransaction = <T>(work: () => Promise<T>): Promise<T> => scope.run(true, work);

/** A call over the network was begun while a transaction held its locks and its connection. */
export class CallInsideTransaction extends Error {
  override readonly name = 'CallInsideTransaction';
}

/**
 * Throws when the caller is inside a transaction. For every call that leaves the process: a call that hangs would hold
 * rows and a connection for as long, and one whose transaction is rolled back would have happened anyway.
 */
export function refuseInsideTransaction(what: string): void {
  if (scope.getStore()) throw new CallInsideTransaction(`${what} inside a database transaction is a bug.`);
}
