import { ConnectionWatch } from '@foyer/provisioning';
import pg from 'pg';

/** A class of clients that share one `ConnectionWatch`. */
export function watchedClients(): typeof pg.Client {
  const watch = new ConnectionWatch();
  return class WatchedClient extends pg.Client {
    constructor(config?: string | pg.ClientConfig) {
      super(config);
      watch.watch(this);
    }
  };
}
