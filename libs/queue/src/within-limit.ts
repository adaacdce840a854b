class QueueTimeoutError extends Error {
  override readonly name = 'TimeoutError';
}

/**
 * Gives `run` at most `limitMs`, then rejects with an error named TimeoutError. The work itself continues: it can check
 * the signal before its next step, and a later rejection of it is ignored.
 */
export async function withinLimit<T>(
  what: string,
  limitMs: number,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const error = new QueueTimeoutError(`${what} took longer than ${limitMs} ms`);
      limit.abort(error);
      reject(error);
    }, limitMs);
  });
  try {
    return await Promise.race([run(limit.signal), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** True when the work ended, successfully or not, within the limit. */
export async function endsWithin(limitMs: number, work: Promise<unknown>): Promise<boolean> {
  const ended = work.then(
    () => true,
    () => true,
  );
  return withinLimit('Work', limitMs, () => ended).catch(() => false);
}
