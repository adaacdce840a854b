import { openDatabase, openTenant, PrismaCallLog, type Database } from '@foyer/persistence';
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { createDatabase, dropDatabase } from '../../stack/postgres.ts';
import { Admin } from '../admin.ts';
import { auditHolds } from './audit.ts';

const server = process.env.FOYER_TEST_POSTGRES_URL ?? '';
const name = `audit_check_${randomBytes(6).toString('hex')}`;

let admin: Admin;
let database: Database;
let tenantId: string;

beforeAll(async () => {
  const url = await createDatabase(server, name, 'foyer_template');
  admin = new Admin(url);
  database = openDatabase({ url });
  tenantId = await openTenant(database, 'acme');
});

afterAll(async () => {
  await admin.close();
  await database.close();
  await dropDatabase(server, name);
});

it('does not ask for a call that could not be sealed while a transaction of another database was open', async () => {
  const other = new pg.Client({ connectionString: server });
  await other.connect();
  await other.query('BEGIN');
  await other.query('SELECT pg_current_xact_id()');
  await new PrismaCallLog(database, tenantId, 30_000).record(
    { requestId: null, identityId: null, lease: null },
    {
      direction: 'out',
      system: 'box',
      operation: 'find_user',
      method: 'GET',
      path: '/2.0/users',
      actor: null,
      parameters: {},
    },
    { result: 'ok', status: 200, error: null, answer: { id: '1' }, durationMs: 1 },
  );
  const query = admin.query.bind(admin);
  // It ends between the sealing and the check.
  const patient = Object.assign(Object.create(admin) as Admin, {
    async query(text: string, values?: unknown[]) {
      if (text.includes('audit_block')) await other.end();
      return query(text, values);
    },
  });
  await expect(auditHolds(database, patient, tenantId)).resolves.toEqual([]);
  await expect(auditHolds(database, admin, tenantId)).resolves.toEqual([]);
  await expect(query('SELECT FROM audit_block')).resolves.toHaveLength(1);
});
