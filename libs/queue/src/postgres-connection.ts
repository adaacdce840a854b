import { ConnectionWatch, type WatchedConnection } from '@foyer/provisioning';
import { PostgresConnection } from 'bullmq';
import pg from 'pg';

type ListenClient = Awaited<ReturnType<PostgresConnection['getListenClient']>>;

/**
 * How often the listening connection must answer, and within what time, in milliseconds, because it may be silent for
 * long.
 */
const PROOF_LASTS_MS = 4_000;
const PROOF_LIMIT_MS = 4_000;

interface WatchedClients {
  readonly Client: typeof pg.Client;
  readonly of: (client: object) => WatchedConnection | undefined;
}

/** A class of clients that share one `ConnectionWatch`, and the watched state of each. */
export function watchedClients(): WatchedClients {
  const watch = new ConnectionWatch();
  const known = new WeakMap<object, WatchedConnection>();
  class WatchedClient extends pg.Client {
    constructor(config?: string | pg.ClientConfig) {
      super(config);
      known.set(this, watch.watch(this));
    }
  }
  return { Client: WatchedClient, of: (client: object) => known.get(client) };
}

type Settings = Exclude<ConstructorParameters<typeof PostgresConnection>[0], string>;

/**
 * BullMQ's connection with our own clients. Its listening client gets an `error` listener only after it has connected,
 * so an error at that moment would end the process. BullMQ has no option for its module `pg`, so it is replaced here; a
 * version of BullMQ that keeps it elsewhere is refused.
 */
export class GuardedConnection extends PostgresConnection {
  readonly #clients: WatchedClients;

  constructor(settings: Settings) {
    const clients = watchedClients();
    super({ ...settings, Client: clients.Client });
    this.#clients = clients;
    if (Reflect.get(this, 'pgModule') === undefined)
      throw new Error(
        'The pg module of BullMQ was not found: an error of its listening client would end the process.',
      );
    Reflect.set(this, 'pgModule', { Pool: pg.Pool, Client: clients.Client });
  }

  /**
   * As BullMQ's, but returns only a working client: one that broke before BullMQ listened to it, or does not answer, is
   * replaced.
   */
  override async getListenClient(): Promise<ListenClient> {
    for (;;) {
      const client = await super.getListenClient();
      const watched = this.#clients.of(client);
      if (watched === undefined) return client;
      if (watched.failure === undefined && performance.now() - watched.heardAt > PROOF_LASTS_MS)
        await prove(client);
      if (watched.failure === undefined) return client;
      // BullMQ's own listener handles this: it drops the client, and requests another one.
      if (client instanceof pg.Client) client.emit('error', watched.failure);
    }
  }
}

/** The watch closes a client that does not answer, so that it fails. */
async function prove(client: ListenClient): Promise<void> {
  if (!(client instanceof pg.Client)) return;
  const proof = { text: 'SELECT 1', query_timeout: PROOF_LIMIT_MS };
  await client.query(proof).catch(() => undefined);
}
