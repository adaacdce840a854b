import { GROUP, ScimTestClient, USER } from './scim.harness.ts';

let scim: ScimTestClient;
beforeAll(async () => {
  scim = await ScimTestClient.start();
});
afterAll(() => scim.stop());

const BULK = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';

it('performs operations that refer to each other, and records each request that they cause', async () => {
  const answer = await scim.post('/Bulk', {
    schemas: [BULK],
    Operations: [
      {
        method: 'POST',
        path: '/Groups',
        bulkId: 'g',
        data: { schemas: [GROUP], displayName: 'Bulk', members: [{ value: 'bulkId:u' }] },
      },
      {
        method: 'POST',
        path: '/Users',
        bulkId: 'u',
        data: { schemas: [USER], userName: 'bulk@example.com' },
      },
      {
        method: 'POST',
        path: '/Users',
        bulkId: 'v',
        data: { schemas: [USER], userName: 'BULK@example.com' },
      },
    ],
  });
  expect(answer.status).toBe(200);
  expect(answer.body['Operations']).toMatchObject([
    { method: 'POST', bulkId: 'g', status: '201', version: 'W/"1"' },
    { method: 'POST', bulkId: 'u', status: '201' },
    { method: 'POST', bulkId: 'v', status: '409', response: { scimType: 'uniqueness', status: '409' } },
  ]);
  const group = (await scim.filter('/Groups', 'displayName eq "Bulk"')).body.Resources[0]!;
  expect(group['members']).toMatchObject([{ display: 'bulk@example.com' }]);
  const { api } = scim.house;
  const { rows } = await api.context.database.pool.query<{ answer: { failed: number; requests: string[] } }>(
    `SELECT o.answer FROM api_call c JOIN api_call_outcome o ON o.call_id = c.id WHERE c.operation = 'scim_bulk'`,
  );
  expect(rows).toHaveLength(1);
  expect(rows[0]!.answer.failed).toBe(1);
  const made = await api.context.database.pool.query<{ id: string }>(
    `SELECT id FROM provisioning_request WHERE cause = 'scim' ORDER BY id`,
  );
  expect(made.rows.map(({ id }) => id)).toEqual([...rows[0]!.answer.requests].sort());
});
