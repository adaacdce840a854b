import { sealAll, verify } from '../audit/audit.harness.ts';
import { createTestDatabase, type TestDatabase } from '../database/database.harness.ts';
import { PrismaCallLog, type CallRecord } from './call-log.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const COUNT = 200;

const recordOf = (n: number, more: Partial<CallRecord['intent']> = {}): CallRecord => ({
  context: { requestId: null, identityId: null, lease: null },
  intent: {
    ...{ direction: 'in', system: 'foyer', operation: 'scim_read', method: 'GET', path: `/Users/${n}` },
    ...{ actor: n % 2 === 0 ? 'scim-token:okta' : null, parameters: { n }, ...more },
  },
  outcome: {
    ...{ result: n % 3 === 0 ? 'refused' : 'ok', status: 200 + n, error: n % 3 === 0 ? 'not_found' : null },
    ...{ answer: n % 5 === 0 ? { found: n } : null, durationMs: n + 0.5 },
  },
});

const logged = async (tenantId: string) =>
  (
    await test.database.pool.query<Record<string, unknown>>(
      `SELECT c.direction, c.system, c.operation, c.method, c.path, c.actor, c.parameters, o.result, o.status, o.error,
         o.answer, o.duration_ms AS "durationMs", o.call_at = c.at AS "isOfCall",
         c.at BETWEEN transaction_timestamp() - interval '1 minute' AND clock_timestamp() AS "isOfDatabase"
       FROM api_call c JOIN api_call_outcome o ON o.call_id = c.id WHERE c.tenant_id = $1 ORDER BY c.id`,
      [tenantId],
    )
  ).rows;

const asLogged = ({ intent, outcome }: CallRecord) => ({
  ...intent,
  ...outcome,
  isOfCall: true,
  isOfDatabase: true,
});

describe('a set of records', () => {
  it('is written in its order, each call with its own outcome, and is sealed', async () => {
    const tenantId = await test.tenant();
    const records = Array.from({ length: COUNT }, (_, n) => recordOf(n));
    expect(await new PrismaCallLog(test.database, tenantId, 0).recordAll(records)).toEqual([]);
    expect(await logged(tenantId)).toEqual(records.map(asLogged));
    await sealAll(test.database, tenantId);
    expect(await verify(test.database, tenantId)).toMatchObject({ rows: 2 * COUNT, findings: 0, waiting: 0 });
  });

  it('is written without the records that PostgreSQL does not accept, which are returned', async () => {
    const tenantId = await test.tenant();
    const bad = recordOf(2, { parameters: { filter: 'a\u0000b' } });
    const records = [recordOf(0), recordOf(1), bad, recordOf(3), recordOf(4)];
    const refused = await new PrismaCallLog(test.database, tenantId, 0).recordAll(records);
    expect(refused.map(({ record }) => record)).toEqual([bad]);
    expect(await logged(tenantId)).toEqual(records.filter((record) => record !== bad).map(asLogged));
  });
});
