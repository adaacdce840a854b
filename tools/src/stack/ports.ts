import { createServer, type Server } from 'node:net';
import { codeOf, StackProblem } from '../problem.ts';

// Below the range from which systems take ports for outgoing connections, so that such a connection cannot take one in
// between.
const LOWEST = 20_000;
const HIGHEST = 32_000;
const HOST = '127.0.0.1';

function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ port, host: HOST, exclusive: true }, () => resolve(server));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

/** `count` different free ports of 127.0.0.1. */
export async function freePorts(count: number): Promise<number[]> {
  const held = new Map<number, Server>();
  for (let tries = 0; held.size < count; tries++) {
    if (tries > count + 500) {
      throw new StackProblem(
        'no free port was found',
        'close programs that listen on many ports, then try again',
      );
    }
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    if (held.has(port)) continue;
    try {
      held.set(port, await listen(port));
    } catch (error) {
      if (codeOf(error) !== 'EADDRINUSE' && codeOf(error) !== 'EACCES') throw error;
    }
  }
  await Promise.all([...held.values()].map(close));
  return [...held.keys()];
}

/**
 * Checks that these ports of 127.0.0.1 are free.
 * @param wanted port by the name of the part that needs it
 * @throws StackProblem naming every taken port, and the part that needs it
 */
export async function requirePorts(wanted: Readonly<Record<string, number>>): Promise<void> {
  const taken: string[] = [];
  for (const [part, port] of Object.entries(wanted)) {
    try {
      await close(await listen(port));
    } catch (error) {
      if (codeOf(error) !== 'EADDRINUSE') throw refused(part, port, error);
      taken.push(`${port} (for the ${part})`);
    }
  }
  if (taken.length === 0) return;
  const ports = taken.length === 1 ? `port ${taken[0]} is` : `ports ${taken.join(', ')} are`;
  throw new StackProblem(
    `${ports} taken by another program`,
    'stop it (another npm start? find it with: lsof -i :PORT, or ss -ltnp), or use others: npm start -- --port 3100',
  );
}

function refused(part: string, port: number, cause: unknown): StackProblem {
  return new StackProblem(
    `port ${port} (for the ${part}) cannot be used: ${codeOf(cause)}`,
    'use others: npm start -- --port 3100',
    cause,
  );
}
