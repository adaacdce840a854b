import { createServer, type Server } from 'node:net';
import { freePorts, requirePorts } from './ports.ts';

const listening: Server[] = [];

async function listen(port: number): Promise<void> {
  const server = createServer();
  listening.push(server);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
}

afterEach(async () => {
  await Promise.all(listening.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

describe('freePorts', () => {
  it('gives different ports that can be listened on', async () => {
    const ports = await freePorts(20);
    expect(new Set(ports).size).toBe(20);
    await Promise.all(ports.map(listen));
  });
});

describe('requirePorts', () => {
  it('accepts free ports', async () => {
    const [one = 0, two = 0] = await freePorts(2);
    await expect(requirePorts({ gateway: one, 'Box twin': two })).resolves.toBeUndefined();
  });

  it('names every port in use with the part that needs it, and a remedy', async () => {
    const [one = 0, two = 0, three = 0] = await freePorts(3);
    await listen(one);
    await listen(three);
    await expect(requirePorts({ gateway: one, 'Box twin': two, 'Okta twin': three })).rejects.toThrow(
      `ports ${one} (for the gateway), ${three} (for the Okta twin) are taken by another program\n  What to do: stop it`,
    );
  });
});
