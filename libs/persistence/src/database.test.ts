import { randomUUID } from 'node:crypto';
import { createTestDatabase, type TestDatabase } from './database.harness.ts';
import { openDatabase, openTenant } from './database.ts';
import { startSilenceable } from './silent-server.harness.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

describe('the database', () => {
  it('makes one tenant for many processes that start at once', async () => {
    const slug = `t-${randomUUID()}`;
    const ids = await Promise.all(Array.from({ length: 20 }, () => openTenant(test.database, slug)));
    expect(new Set(ids).size).toBe(1);
  });

  it('says in time that it does not answer', async () => {
    const nobody = openDatabase({ url: 'postgresql://foyer@127.0.0.1:9/foyer' });
    await expect(nobody.ping(2_000)).rejects.toThrow();
    await nobody.close();
  });

  it('gives up a query, and its connection, when the server has gone silent', async () => {
    const server = await startSilenceable(test.url);
    const database = openDatabase({ url: server.url, poolSize: 1, silenceMs: 500 });
    await database.ping(2_000);
    server.silence();
    await expect(database.prisma.$queryRaw`SELECT 1`).rejects.toThrow();
    await expect(database.ping(2_000)).resolves.toBeUndefined();
    await database.close();
    await server.close();
  });

  it('says plainly, at the start, that there is no server or no such database', async () => {
    const away = openDatabase({ url: 'postgresql://foyer@127.0.0.1:9/foyer' });
    await expect(openTenant(away, 'default')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await away.close();
    const url = Object.assign(new URL(test.url), { pathname: '/no_such' }).href;
    const unknown = openDatabase({ url });
    await expect(openTenant(unknown, 'default')).rejects.toThrow(/^database "no_such" does not exist$/);
    await unknown.close();
  });
});
