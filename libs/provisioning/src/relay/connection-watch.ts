import { isNativeError } from 'node:util/types';

/** The methods that are needed of a PostgreSQL client, whichever adapter opened it. */
interface Client {
  on(event: 'error', listener: (error: Error) => void): unknown;
  once(event: 'connect' | 'end', listener: () => void): unknown;
}

interface Socket {
  on(event: 'data', listener: () => void): unknown;
  destroy(reason: Error): unknown;
}

/** pg's message for a query that was not answered within `query_timeout`. */
const SILENCE = 'Query read timeout';
const isSilence = (error: unknown): boolean => isNativeError(error) && error.message === SILENCE;

/**
 * Watches the connections to one PostgreSQL server, so that none of them ends the process or is waited for twice. Each
 * has an `error` listener from the start: pg's pool, its callers and the queue library listen only part of the time,
 * and an `error` event without a listener ends the process. A connection with an unanswered query is closed at once,
 * because a ROLLBACK would wait as long again. Other connections that have been silent since then are closed too,
 * because each would cost the same wait.
 */
export class ConnectionWatch {
  readonly #open = new Set<WatchedConnection>();

  /** Must be called by the constructor of a client. */
  watch(client: Client): WatchedConnection {
    const watched = new WatchedConnection(client, (sentAt) => this.#abandonSilent(sentAt));
    client.once('connect', () => this.#open.add(watched));
    client.once('end', () => this.#open.delete(watched));
    return watched;
  }

  #abandonSilent(sentAt: number): void {
    for (const one of this.#open) {
      if (one.heardAt < sentAt) one.abandon('Another connection to the same server got no answer.');
    }
  }
}

export class WatchedConnection {
  /** When the server last sent bytes, by the monotonic clock. */
  heardAt = performance.now();
  /** Why the connection cannot be used any more. */
  failure: Error | undefined;
  readonly #client: Client;
  readonly #onSilence: (sentAt: number) => void;

  constructor(client: Client, onSilence: (sentAt: number) => void) {
    this.#client = client;
    this.#onSilence = onSilence;
    client.on('error', (error) => (this.failure ??= error));
    // Not earlier: with TLS the socket is replaced while connecting.
    client.once('connect', () => socketOf(client)?.on('data', () => (this.heardAt = performance.now())));
    const send: unknown = Reflect.get(client, 'query');
    if (typeof send !== 'function') throw new TypeError('The object is not a PostgreSQL client.');
    const ask = (args: readonly unknown[]): unknown => Reflect.apply(send, client, args);
    // Assigned, not overridden: the method has seven overloads, and all of them take the same path here.
    Object.assign(client, { query: (...args: unknown[]) => this.#send(ask, args) });
  }

  /** Closes the socket at once; queries that wait for an answer fail. */
  abandon(reason: string): void {
    socketOf(this.#client)?.destroy(new Error(reason));
  }

  /** pg takes a callback as the last argument; without one it returns a promise. */
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

/** The socket of a client, which pg has but does not declare. Null if a new version of pg has none. */
function socketOf(client: Client): Socket | null {
  const connection: unknown = Reflect.get(client, 'connection');
  if (typeof connection !== 'object' || connection === null) return null;
  const socket: unknown = Reflect.get(connection, 'stream');
  return isSocket(socket) ? socket : null;
}
const isSocket = (found: unknown): found is Socket =>
  typeof found === 'object' && found !== null && 'destroy' in found && 'on' in found;
