import { migrate, openDatabase as openPool } from '@foyer/persistence';
import { randomBytes } from 'node:crypto';
import { appPart } from '../stack/apps.ts';
import { createDatabase, dropDatabase, startPostgres } from '../stack/postgres.ts';
import { BoxControl } from '../stack/twins.ts';
import { Admin } from './admin.ts';
import { BoxWire } from './boundaries/box-wire.ts';
import { SqlDesk } from './boundaries/sql.ts';
import { installWitness } from './checks/witness.ts';
import { roles, type House, type Role } from './world.ts';

export interface OpenHouse extends House {
  close(): Promise<void>;
}

export interface HouseOptions {
  /** A running server and the name of a migrated template; when absent, a server of its own, which can be restarted. */
  readonly server?: { readonly url: string; readonly template: string };
}

/** A database with the witness, the Box twin as a process, and the boundaries before both. */
export async function openHouse({ server }: HouseOptions = {}): Promise<OpenHouse> {
  const stops: (() => Promise<unknown>)[] = [];
  const stopAll = async (): Promise<void> => {
    for (const stop of stops.toReversed()) await stop();
  };
  try {
    const { url, restart } = await openDatabase(server, stops);
    const admin = new Admin(url);
    stops.push(() => admin.close());
    await installWitness(admin);
    const part = appPart(
      'box',
      { BOX_TWIN_PORT: '0', BOX_TWIN_HOST: '127.0.0.1', BOX_TWIN_RATE_LIMIT: '0' },
      {},
    );
    const twinUrl = await part.start();
    stops.push(() => part.stop());
    const wire = await BoxWire.open(twinUrl);
    stops.push(() => wire.close());
    const checking = openPool({ url, poolSize: 2 });
    stops.push(() => checking.close());
    const desks = Object.fromEntries(roles.map((role) => [role, new SqlDesk(url, admin)])) as Record<
      Role,
      SqlDesk
    >;
    stops.push(() => Promise.all(Object.values(desks).map((open) => open.close())));
    return { admin, desks, wire, twin: new BoxControl(twinUrl), checking, restart, close: stopAll };
  } catch (error) {
    await stopAll();
    throw error;
  }
}

async function openDatabase(
  server: HouseOptions['server'],
  stops: (() => Promise<unknown>)[],
): Promise<{ url: string; restart: House['restart'] }> {
  const name = `chaos_${randomBytes(6).toString('hex')}`;
  if (server) {
    const url = await createDatabase(server.url, name, server.template);
    stops.push(() => dropDatabase(server.url, name));
    return { url, restart: null };
  }
  const own = await startPostgres();
  stops.push(() => own.stop());
  const url = await createDatabase(own.url, name);
  await migrate({ databaseUrl: url });
  // Stops at once, like a power failure: committed data must survive.
  return { url, restart: async () => void (await own.part.restart('SIGQUIT')) };
}
