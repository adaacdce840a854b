import { randomUUID } from 'node:crypto';
import { Intake, openTenant } from '@foyer/persistence';
import { createTestDatabase, type TestDatabase } from '@foyer/persistence/testing';
import { run } from '../../run.ts';
import { Terminal } from '../../terminal.ts';
import { commands } from '../index.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

it('lists the sign-ins on hold, releases one as a separate person, and records that', async () => {
  const slug = `t-${randomUUID()}`;
  const tenantId = await openTenant(test.database, slug);
  const foyer = async (...args: string[]) => {
    let [out, err] = ['', ''];
    const terminal = new Terminal({ write: (text) => (out += text) }, { write: (text) => (err += text) });
    const stopping = new AbortController().signal;
    const environment = { DATABASE_URL: test.url, FOYER_TENANT: slug };
    const status = await run({ args, commands, terminal, stopping, environment });
    return { status, out, err };
  };
  expect(await foyer('held', 'list')).toMatchObject({ status: 0, out: 'No sign-in is on hold.\n' });
  const intake = new Intake(test.database, tenantId);
  const person = { issuer: 'https://example.okta.com', username: 'max@example.com', name: 'Max' };
  await intake.admit({ ...person, subject: '00uOld' }, 'api');
  await test.database.pool.query('UPDATE identity SET active = false WHERE tenant_id = $1', [tenantId]);
  expect(await intake.admit({ ...person, subject: '00uNew' }, 'sign-in')).toMatchObject({ kind: 'held' });

  expect((await foyer('held', 'list')).out).toMatch(
    /^00uNew {2}max@example\.com \(Max\); 1 times.*on hold\n$/,
  );
  expect(await foyer('held', 'release', '00uNobody')).toMatchObject({ status: 2 });
  expect(await foyer('held', 'release')).toMatchObject({ status: 2 });
  expect(await foyer('held', 'release', '00uNew')).toMatchObject({ status: 0 });
  expect((await foyer('held', 'list')).out).toContain('released by operator:');
  const { rows } = await test.database.pool.query(
    `SELECT parameters FROM api_call WHERE tenant_id = $1 AND operation = 'release_held_sign_in'`,
    [tenantId],
  );
  expect(rows).toEqual([{ parameters: { subject: '00uNew' } }]);
  expect(await intake.admit({ ...person, subject: '00uNew' }, 'sign-in')).toMatchObject({
    kind: 'requested',
  });
});
