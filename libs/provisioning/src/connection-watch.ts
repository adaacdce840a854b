import { isNativeError } from 'node:util/types';

/** What is needed of a client of PostgreSQL, whichever adapter opened it. */
interface Client {
  on(event: 'error', listener: (error: Error) => void): unknown;
  once(event: 'connect' | 'end', listener: () => void): unknown;
}

interface Socket {
  on(event: 'data', listener: () => void): unknown;
  destroy(reason: Error): unknown;
}

/** What pg says of a query that was not answered within `query_timeout`. */
const SILENCE = 'Query read timeout';
const isSilence = (error: unknown): boolean => isNativeError(error) && error.message === SILENCE;

/**
 * Connections to one PostgreSQL server, none of which ends the process or is waited for twice. Each has a listener for `error`
 * from its first moment: pg's pool, those who take a client out of it and the queue library listen only part of the time, and
 * the event ends a process that has no listener. A connection on which a query got no answer in time is closed at once: a
 * ROLLBACK would wait as long again. So are the others that have been silent since: each would cost somebody the same wait.
 */
export class ConnectionWatch {
  readonly #open = new Set<WatchedConnection>();

  /** To be called by the constructor of a client. */
  watch(client: Client): WatchedConnection {
    const watched = new WatchedConnection(client, (sentAt) => this.#abandonSilent(sentAt));
    client.once('connect', () => this.#open.add(watched));
    client.once('end', () => this.#open.delete(watched));
    return watched;
  }

  #abandonSilent(sentAt: number): void {
    for (const one of this.#open) {
      if (one.heardAt < sentAt) one.abandon('Another connection to the server got no answer.');
    }
  }
}

export class WatchedConnection {
  /** When the server sent its last bytes, by the monotonic clock. */
  heardAt = performance.now();
  /** Why it cannot be used any more. */
  failure: Error | undefined;
  readonly #client: Client;
  readonly #onSilence: (sentAt: number) => void;

  constructor(client: Client, onSilence: (sentAt: number) => void) {
    this.#client = client;
    this.#onSilence = onSilence;
    client.on('error', (error) => (this.failure ??= error));
    // Not before: with TLS the socket is exchanged for another one on the way.
    client.once('connect', () => socketOf(client)?.on('data', () => (this.heardAt = performance.now())));
    const send: unknown = Reflect.get(client, 'query');
    if (typeof send !== 'function') throw new TypeError('This is no client of PostgreSQL.');
    const ask = (args: readonly unknown[]): unknown => Reflect.apply(send, client, args);
    // Assigned, not overridden: the method has seven overloads, and all of them go the same way here.
    Object.assign(client, { query: (...args: unknown[]) => this.#send(ask, args) });
  }

  /** Closes the socket at once; what waits for an answer fails. */
  abandon(reason: string): void {
    socketOf(this.#client)?.destroy(new Error(reason));
  }

  /** A callback is the last argument; without one the answer is a promise. */
  #send(ask: (args: readonly unknown[]) => unknown, args: readonly unknown[]): unknown {
    const sentAt = performance.now();
    const look = (error: unknown): void => {
      if (!isSilence(error)) return;
      this.abandon('The server did not answer in time.');
      this.#onSilence(sentAt);
    };
    const callback = args.at(-1);
    if (typeof callback === 'function') {
      const answered = (error: unknown, ...rest: unknown[]): void => {
        look(error);
        Reflect.apply(callback, undefined, [error, ...rest]);
      };
      return ask([...args.slice(0, -1), answered]);
    }
    const answer = ask(args);
    if (answer instanceof Promise) answer.catch(look);
    return answer;
  }
}

/** The socket of a client: pg has it, and no type for it. Null when pg has changed. */
function socketOf(client: Client): Socket | null {
  const connection: unknown = Reflect.get(client, 'connection');
  if (typeof connection !== 'object' || connection === null) return null;
  const socket: unknown = Reflect.get(connection, 'stream');
  return isSocket(socket) ? socket : null;
}
const isSocket = (found: unknown): found is Socket =>
  typeof found === 'object' && found !== null && 'destroy' in found && 'on' in found;
