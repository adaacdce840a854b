import { openDatabase, openTenant, RelayStore, type Database } from '@foyer/persistence';
import { randomBytes } from 'node:crypto';
import { createDatabase, dropDatabase } from '../stack/postgres.ts';
import { Crowd } from './crowd.ts';

const PEOPLE = 40;
/** Longer than any test run: this relay takes whatever is due within it, as on a machine that is too slow. */
const GRACE_MS = 3_600_000;
const TENANT = 'default';

const server = process.env.FOYER_TEST_POSTGRES_URL ?? '';
const name = `crowd_${randomBytes(6).toString('hex')}`;
let url: string;
let database: Database;
beforeAll(async () => {
  url = await createDatabase(server, name, 'foyer_template');
  database = openDatabase({ url, poolSize: 2 });
});
afterAll(async () => {
  await database.close();
  await dropDatabase(server, name);
});

it('keeps people from a relay from the moment they are admitted until they are released', async () => {
  const crowd = await Crowd.open(url, TENANT);
  const relay = new RelayStore(database, await openTenant(database, TENANT), GRACE_MS);
  const takeAll = async () => (await relay.due('background', PEOPLE, true)).map(({ id }) => id);
  try {
    let isAdmitted = false;
    const admitted = crowd.admit(PEOPLE).finally(() => (isAdmitted = true));
    const early: string[] = [];
    while (!isAdmitted) early.push(...(await takeAll()));
    await admitted;
    expect([...early, ...(await takeAll())]).toEqual([]);
    const released = await crowd.letGo();
    expect(released).toHaveLength(PEOPLE);
    expect(new Set(await takeAll())).toEqual(new Set(released));
  } finally {
    await crowd.close();
  }
});
