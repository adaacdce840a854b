import { ConnectionWatch, type WatchedConnection } from '@foyer/provisioning';
import { PostgresConnection } from 'bullmq';
import pg from 'pg';

type ListenClient = Awaited<ReturnType<PostgresConnection['getListenClient']>>;

/** How often the listening connection has to answer, and within what time, in milliseconds: it is silent by nature. */
const PROOF_LASTS_MS = 4_000;
const PROOF_LIMIT_MS = 4_000;

interface WatchedClients {
  readonly Client: typeof pg.Client;
  readonly of: (client: object) => WatchedConnection | undefined;
}

/** A class of clients that look after each other, and what is known of each; see `ConnectionWatch`. */
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
 * BullMQ's connection, with clients of ours. Its own listening client gets a listener for `error` only after it is connected:
 * a server that ends it at that moment ended the process. Its module `pg` is no option, so it is exchanged here; a version
 * of BullMQ that keeps it elsewhere is refused.
 */
export class GuardedConnection extends PostgresConnection {
  readonly #clients: WatchedClients;

  constructor(settings: Settings) {
    const clients = watchedClients();
    super({ ...settings, Client: clients.Client });
    this.#clients = clients;
    if (Reflect.get(this, 'pgModule') === undefined)
      throw new Error('BullMQ keeps its pg module elsewhere: its listening client would end the process.');
    Reflect.set(this, 'pgModule', { Pool: pg.Pool, Client: clients.Client });
  }

  /** As BullMQ's, and one that works: what broke before BullMQ listened to it, or does not answer, is replaced. */
  override async getListenClient(): Promise<ListenClient> {
    for (;;) {
      const client = await super.getListenClient();
      const watched = this.#clients.of(client);
      if (watched === undefined) return client;
      if (watched.failure === undefined && performance.now() - watched.heardAt > PROOF_LASTS_MS)
        await prove(client);
      if (watched.failure === undefined) return client;
      // BullMQ's own listener takes it from here: it forgets the client, and asks for another one.
      if (client instanceof pg.Client) client.emit('error', watched.failure);
    }
  }
}

/** A client that does not answer is closed by the watch, and fails. */
async function prove(client: ListenClient): Promise<void> {
  if (!(client instanceof pg.Client)) return;
  const proof = { text: 'SELECT 1', query_timeout: PROOF_LIMIT_MS };
  await client.query(proof).catch(() => undefined);
}
