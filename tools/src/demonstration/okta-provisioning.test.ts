import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { startStack, type Stack } from '../stack/stack.ts';

let stack: Stack;
let server: Server;
let baseUrl: string;
/** Resources by path, such as `/Users/1`. */
const kept = new Map<string, Record<string, unknown>>();

/**
 * As much of a SCIM server as a client needs: it stores what is sent, look-ups find no resource, and an empty PATCH is
 * accepted.
 */
async function makeServer(): Promise<void> {
  server = createServer((req, res) => {
    void text(req).then((body) => {
      const path = (req.url ?? '').replace(/\?.*/, '');
      const sent = (body === '' ? {} : JSON.parse(body)) as Record<string, unknown>;
      const id = String(kept.size + 1);
      if (req.method === 'POST') kept.set(`${path}/${id}`, { ...sent, id });
      if (req.method === 'PUT') kept.set(path, sent);
      const known = kept.get(req.method === 'POST' ? `${path}/${id}` : path);
      if (req.method === 'DELETE') res.writeHead(kept.delete(path) ? 204 : 404).end();
      else res.end(JSON.stringify(known ?? { totalResults: 0, Resources: [] }));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  baseUrl = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
}

beforeAll(async () => {
  await makeServer();
  stack = await startStack({
    parts: ['okta'],
    postgresUrl: process.env.FOYER_TEST_POSTGRES_URL,
    template: 'foyer_template',
  });
});
afterAll(async () => {
  await stack.stop();
  server.close();
});

it('makes the Okta twin push a person from creation to deletion', async () => {
  const { scim } = stack.okta;
  await scim.configure({ baseUrl, token: 'token-of-this-test' });
  expect(await scim.testConnection()).toMatchObject({ status: 'done', result: 'connected' });
  const login = 'nia@example.com';
  await stack.okta.addPerson({ login, assigned: false, profile: { title: 'Engineer' } });
  expect(await scim.assign(login)).toMatchObject({ about: login, result: 'created' });
  expect(kept.get('/Users/1')).toMatchObject({ userName: login, title: 'Engineer' });
  await stack.okta.addGroup('Team', [login]);
  expect((await stack.okta.groups()).map(({ name }) => name)).toContain('Team');
  expect((await scim.pushGroup('Team')).exchanges.map(({ method }) => method)).toEqual([
    'GET',
    'POST',
    'GET',
    'PUT',
  ]);
  expect(await scim.pushMembership('Team', { remove: [login] })).toMatchObject({ result: '0 members' });
  expect(await scim.renameGroup('Team', 'Crew')).toMatchObject({ result: 'renamed' });
  await stack.okta.changeGroup('Crew', { add: [login] });
  expect(await scim.pushNow('Crew')).toMatchObject({ result: '1 members' });
  expect(await scim.unlinkGroup('Crew', true)).toMatchObject({ result: 'deleted' });
  await stack.okta.removeGroup('Crew');
  expect(await scim.update(login, { profile: { title: null } })).toMatchObject({ result: 'updated' });
  expect(kept.get('/Users/1')).not.toHaveProperty('title');
  expect(await scim.unassign(login)).toMatchObject({ result: 'deactivated' });
  expect((await scim.state()).users).toMatchObject([{ login, id: '1', active: false }]);
  expect(await scim.reassign(login)).toMatchObject({ result: 'created' });
  expect(await scim.import()).toMatchObject({ result: { users: [], groups: [] } });
  expect((await scim.tasks(3)).every(({ status }) => status === 'done')).toBe(true);
});

it('shows what failed, and sends it again', async () => {
  const { scim } = stack.okta;
  await scim.configure({ baseUrl: `${baseUrl}/elsewhere` });
  kept.set('/elsewhere/Users', { nothing: 'useful' });
  const login = 'ada@example.com';
  expect(await scim.provisionUser(login)).toMatchObject({
    status: 'failed',
    error: expect.stringContaining('totalResults') as unknown,
  });
  await scim.configure({ baseUrl });
  expect(await scim.retryFailed()).toMatchObject([{ status: 'done', attempts: 2 }]);
});
