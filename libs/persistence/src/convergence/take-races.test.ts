import { LeaseLost, type Taken } from '@foyer/provisioning';
import type pg from 'pg';
import { PrismaConvergenceStore } from './convergence-store.ts';
import { createTestDatabase, samplePerson, type TestDatabase } from '../database/database.harness.ts';
import { Intake } from '../identities/intake.ts';
import { whileWaiting } from '../requests/waiting.harness.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

async function parts(leaseMs = 30_000) {
  const tenantId = await test.tenant();
  const store = new PrismaConvergenceStore(test.database, tenantId, { leaseMs, relayGraceMs: 5_000 });
  const admission = await new Intake(test.database, tenantId).admit(samplePerson(), 'api');
  if (admission.kind !== 'requested') throw new Error(admission.kind);
  return { tenantId, store, requestId: admission.requestId, identityId: admission.identity.id };
}

/** Runs `work` in a transaction that is committed when another statement waits for one of its rows. */
const whileSomebodyWaits = <T>(
  work: (client: pg.PoolClient) => Promise<void>,
  waiter: () => Promise<T>,
): Promise<T> => whileWaiting(test.database, work, waiter);

/** The last write of a slow worker: its lease expired while the statement was running. */
async function lastWords(client: pg.PoolClient, { tenantId, identityId, requestId }: Ids): Promise<void> {
  await client.query('UPDATE identity SET lease_expires_at = NULL WHERE id = $1', [identityId]);
  await client.query(
    `INSERT INTO box_account (identity_id, tenant_id, box_user_id, name, status, applied_generation)
     VALUES ($1, $2, '4711', 'Ada Example', 'active', 1)`,
    [identityId, tenantId],
  );
  await client.query(
    `UPDATE provisioning_request SET status = 'queued', effect = 'created', version = version + 1 WHERE id = $1`,
    [requestId],
  );
}

interface Ids {
  readonly tenantId: string;
  readonly identityId: string;
  readonly requestId: string;
}

describe("taking a request while another worker holds the identity's row", () => {
  it('reads what the previous worker wrote last, and so does not create a second user', async () => {
    const { store, ...ids } = await parts();
    await test.database.pool.query(
      `UPDATE identity SET lease_token = 1, lease_expires_at = clock_timestamp() - interval '1 s' WHERE id = $1`,
      [ids.identityId],
    );
    const result = await whileSomebodyWaits(
      (client) => lastWords(client, ids),
      () => store.take(ids.requestId),
    );
    expect(result).toMatchObject({
      kind: 'taken',
      taken: { account: { boxUserId: '4711' }, effect: 'created', lease: { token: 2n } },
    });
  });

  it('finds the request final when that worker ended it', async () => {
    const { store, ...ids } = await parts();
    const result = await whileSomebodyWaits(
      async (client) => {
        await client.query('UPDATE identity SET lease_expires_at = NULL WHERE id = $1', [ids.identityId]);
        await client.query(
          `UPDATE provisioning_request SET status = 'failed', error_code = 'box_forbidden', due_at = NULL,
             finished_at = clock_timestamp() WHERE id = $1`,
          [ids.requestId],
        );
      },
      () => store.take(ids.requestId),
    );
    expect(result).toEqual({ kind: 'over' });
  });

  it('converges to the newest desired state when it was changed meanwhile', async () => {
    const { store, ...ids } = await parts();
    const result = await whileSomebodyWaits(
      async (client) => {
        await client.query(
          `UPDATE identity SET name = 'Ada Renamed', generation = generation + 1 WHERE id = $1`,
          [ids.identityId],
        );
      },
      () => store.take(ids.requestId),
    );
    expect(result).toMatchObject({
      kind: 'taken',
      taken: { desired: { name: 'Ada Renamed', generation: 2 } },
    });
  });

  it('is refused as busy, and writes nothing, when another worker acquired the lease in the meantime', async () => {
    const { store, ...ids } = await parts();
    const result = await whileSomebodyWaits(
      async (client) => {
        await client.query(
          `UPDATE identity SET lease_token = lease_token + 1, lease_expires_at = clock_timestamp() + interval '1 h'
           WHERE id = $1`,
          [ids.identityId],
        );
      },
      () => store.take(ids.requestId),
    );
    expect(result).toMatchObject({ kind: 'busy' });
    const { rows } = await test.database.pool.query<{ attempts: number; token: string }>(
      `SELECT r.attempts, i.lease_token AS token FROM provisioning_request r JOIN identity i ON i.id = r.identity_id
       WHERE r.id = $1`,
      [ids.requestId],
    );
    expect(rows[0]).toEqual({ attempts: 0, token: '1' });
  });
});

describe('many takes while leases expire', () => {
  it('issue each token once, in order, and no earlier token writes any more', async () => {
    const { store, requestId, identityId } = await parts(1);
    const tooOld: Taken[] = [];
    const worker = async (): Promise<void> => {
      for (let attempts = 0; attempts < 40; attempts++) {
        const result = await store.take(requestId);
        if (result.kind === 'taken') tooOld.push(result.taken);
      }
    };
    await Promise.all(Array.from({ length: 8 }, worker));
    const tokens = tooOld.map(({ lease }) => lease.token).sort((a, b) => Number(a - b));
    expect(tokens.length).toBeGreaterThan(1);
    expect(tokens).toEqual(tokens.map((_, n) => BigInt(n + 1)));
    await test.database.pool.query(
      `UPDATE identity SET lease_token = lease_token + 1, lease_expires_at = clock_timestamp() + interval '1 h'
       WHERE id = $1`,
      [identityId],
    );
    for (const { lease } of tooOld) await expect(store.succeed(lease, 'created')).rejects.toThrow(LeaseLost);
  });
});
