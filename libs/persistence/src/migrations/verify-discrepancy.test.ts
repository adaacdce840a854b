import { findTenant, openDatabase } from '../database/database.ts';
import { openVerifyStore } from '../verify/verify-store.ts';
import { buildEarlier, history } from './history.harness.ts';
import { newDatabase } from './migrate.harness.ts';
import { migrate } from './migrate.ts';
import { schemaSnapshot } from './schema-snapshot.harness.ts';

it('keeps the interrupted run of verify and what it had found, under the new name of the table', async () => {
  const { databaseUrl, client } = await newDatabase();
  await buildEarlier(databaseUrl, history.at(-1)!);
  await client.query(
    `WITH run AS (INSERT INTO verify_run (tenant_id) SELECT id FROM tenant WHERE slug = 'acme' RETURNING id)
     INSERT INTO verify_exception (run_id, kind, box_user_id, detail, confirmed)
     SELECT id, 'orphan', '4711', 'Nobody has it.', true FROM run`,
  );
  await migrate({ databaseUrl });
  const names = (await schemaSnapshot(client)).filter((line) => line.includes('verify_exception'));
  expect(names).toEqual([]);

  const database = openDatabase({ url: databaseUrl, poolSize: 2 });
  const store = await openVerifyStore(database, (await findTenant(database, 'acme')) ?? '');
  if (store === null) throw new Error('another run is in progress');
  try {
    const run = await store.unfinished(60_000);
    expect(await store.discrepancyCounts(run!.id)).toEqual([{ kind: 'orphan', count: 1, unconfirmed: 0 }]);
    const page = { after: null, limit: 10 };
    expect(await store.discrepancies(run!.id, 'orphan', page)).toMatchObject([
      { boxUserId: '4711', detail: 'Nobody has it.', confirmed: true },
    ]);
    const next = await store.begin();
    await store.compare(next.id, 60_000);
    expect(await store.discrepancyCounts(run!.id)).toEqual([]);
    expect((await store.discrepancyCounts(next.id)).map(({ kind }) => kind)).toContain('missing');
  } finally {
    await store.close();
    await database.close();
  }
});
