/** The caller stopped an operation before its end. */
export interface Stopped {
  readonly kind: 'stopped';
}

export interface Finished {
  readonly kind: 'finished';
}

/** Ends a stream of lines in the middle, so that whoever writes them does not take them for complete. */
class StoppedInStream extends Error {
  override readonly name = 'StoppedInStream';
}

/** Passes `source` on until `stopping` is aborted; what reads it then fails, and `unlessStopped` handles that. */
export async function* untilStopped<T>(source: AsyncIterable<T>, stopping: AbortSignal): AsyncGenerator<T> {
  for await (const each of source) {
    if (stopping.aborted) throw new StoppedInStream('stopped');
    yield each;
  }
}

/** The result of `work`, or that it was stopped while it read from `untilStopped`. */
export async function unlessStopped<T>(work: () => Promise<T>): Promise<T | Stopped> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StoppedInStream) return { kind: 'stopped' };
    throw error;
  }
}
