import { AsyncLocalStorage } from 'node:async_hooks';

const scope = new AsyncLocalStorage<true>();

/** Runs `work`, and whatever it waits for, marked as the inside of a database transaction. For those who begin one. */
export const insideTransaction = <T>(work: () => Promise<T>): Promise<T> => scope.run(true, work);

/** Something that takes as long as a network likes was begun while a transaction held its locks and its connection. */
export class CallInsideTransaction extends Error {
  override readonly name = 'CallInsideTransaction';
}

/**
 * Throws when the caller is inside of a transaction. For every way out of the process: a call that hangs would hold rows
 * and a connection for as long, and one that is undone with the transaction would have happened all the same.
 */
export function refuseInsideTransaction(what: string): void {
  if (scope.getStore()) throw new CallInsideTransaction(`${what} inside of a database transaction is a bug.`);
}
