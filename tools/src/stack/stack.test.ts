import { freePorts } from './ports.ts';
import { startStack } from './stack.ts';

const postgresUrl = process.env.FOYER_TEST_POSTGRES_URL;
const template = 'foyer_template';

describe('a stack', () => {
  it('starts the requested parts, and its twins are controlled by their control API', async () => {
    const said: string[] = [];
    const stack = await startStack({
      parts: ['okta', 'box'],
      postgresUrl,
      template,
      onProgress: (line) => said.push(line),
    });
    try {
      const people = await stack.okta.people();
      expect(people.length).toBeGreaterThanOrEqual(8);
      const person = await stack.okta.addPerson({ login: 'new@example.com', name: 'New Person' });
      expect(person.status).toBe('ACTIVE');
      expect(await stack.okta.serviceToken('foyer.read')).toMatch(/^ey/);

      await stack.box.fault({ kind: 'status', status: 503, match: { path: '/2.0/' } });
      expect((await fetch(`${stack.urls.box}/2.0/users`)).status).toBe(503);
      expect(await stack.box.calls()).toMatchObject([{ path: '/2.0/users', status: 503 }]);
      expect((await stack.box.state()).enterpriseId).toBe('900100');
      expect(stack.parts.gateway).toBeUndefined();
      expect(said).toContain('applying migrations');

      await stack.parts.box?.restart('SIGKILL');
      expect(await stack.box.calls()).toEqual([]);
    } finally {
      await stack.stop();
    }
    expect([stack.parts.okta?.running, stack.parts.box?.running]).toEqual([false, false]);
  });

  it('with a part that cannot start names it, and leaves nothing running', async () => {
    const [port = 0] = await freePorts(1);
    await expect(
      startStack({
        parts: ['okta', 'box'],
        postgresUrl,
        template,
        env: { okta: { OKTA_TWIN_PORT: String(port) }, box: { BOX_TWIN_PORT: 'many' } },
      }),
    ).rejects.toThrow(/^the Box twin ended before it was ready \(exit code 1\)[^]*BOX_TWIN_PORT is "many"/);
    await expect(fetch(`http://127.0.0.1:${port}/_control/people`)).rejects.toThrow('fetch failed');
  });

  it('reports that the given PostgreSQL server does not answer', async () => {
    const [port = 0] = await freePorts(1);
    const nobody = `postgresql://x@127.0.0.1:${port}/postgres`;
    await expect(startStack({ parts: [], postgresUrl: nobody })).rejects.toThrow(
      /the PostgreSQL server at 127.0.0.1:\d+ refused/,
    );
  });
});
