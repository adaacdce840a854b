import { openTenant } from '../database/database.ts';
import { createTestDatabase, type TestDatabase } from '../database/database.harness.ts';
import { ProcessHeartbeat, runningProcesses } from './processes.ts';

let db: TestDatabase;
let tenantId: string;
beforeAll(async () => {
  db = await createTestDatabase();
  tenantId = await openTenant(db.database, 'ours');
});
afterEach(() => db.database.pool.query('DELETE FROM process'));
afterAll(() => db.drop());

const list = () => runningProcesses(db.database, tenantId);
const age = (app: string) =>
  db.database.pool.query(
    `UPDATE process SET seen_at = seen_at - interval '61 seconds', started_at = started_at - interval '1 hour' WHERE app = $1`,
    [app],
  );

it('lists a process once, regardless of its number of heartbeats, until it stops', async () => {
  const gateway = new ProcessHeartbeat(db.database, tenantId, 'gateway');
  await gateway.beat();
  const [first] = await list();
  await gateway.beat();
  const [again, ...others] = await list();
  expect(others).toEqual([]);
  expect(again).toMatchObject({
    id: first!.id,
    app: 'gateway',
    pid: process.pid,
    startedAt: first!.startedAt,
  });
  await gateway.leave();
  expect(await list()).toEqual([]);
});

it('leaves out a process without a heartbeat for a minute; the next heartbeat of another process removes its row', async () => {
  await new ProcessHeartbeat(db.database, tenantId, 'gateway').beat();
  await age('gateway');
  expect(await list()).toEqual([]);
  const provisioner = new ProcessHeartbeat(db.database, tenantId, 'provisioner');
  await provisioner.beat();
  expect((await db.database.pool.query('SELECT app FROM process')).rows).toEqual([{ app: 'provisioner' }]);
  await age('provisioner');
  await provisioner.beat();
  expect((await list()).map(({ app }) => app)).toEqual(['provisioner']);
});

it('measures the clock of a process against the database’s', async () => {
  await new ProcessHeartbeat(db.database, tenantId, 'gateway').beat(Date.now() + 3_600_000);
  await new ProcessHeartbeat(db.database, tenantId, 'provisioner').beat();
  const [gateway, provisioner] = await list();
  // The offset includes the network delay, which is far less than a minute even on a busy machine.
  expect(Math.round(gateway!.clockOffsetMs / 60_000)).toBe(60);
  expect(Math.abs(provisioner!.clockOffsetMs)).toBeLessThan(30_000);
});

it("shows no other tenant's processes, and does not let one tenant remove another's", async () => {
  const other = await openTenant(db.database, 'other');
  await new ProcessHeartbeat(db.database, other, 'gateway').beat();
  await age('gateway');
  await new ProcessHeartbeat(db.database, tenantId, 'gateway').beat();
  expect(await list()).toHaveLength(1);
  expect((await db.database.pool.query('SELECT FROM process')).rowCount).toBe(2);
});
