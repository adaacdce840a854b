import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/**
 * What a network does to connections, besides closing them:
 * - `half-open`: the server's side is closed without our side noticing. New connections work.
 * - `black-hole`: no data arrives in either direction, on old and new connections.
 * - `eat-answers`: our data arrives, and no answer comes back. Old connections continue when this ends, without the
 *   lost answers.
 * - `trickle`: an answer arrives one byte at a time.
 */
export type Fault = 'half-open' | 'black-hole' | 'eat-answers' | 'trickle';

/** A proxy to a server, on which connections can be given faults. */
export interface FaultProxy {
  readonly port: number;
  /** The URL of the server through this proxy. */
  readonly url: string;
  /** Sets the fault from now on; null: none, for new connections and for those that can continue. */
  set(fault: Fault | null): void;
  /** Closes every open connection, on both sides. */
  cut(): void;
  /** How many connections were opened so far. */
  readonly made: number;
  close(): Promise<void>;
}

const TRICKLE_MS = 20;

class Link {
  readonly #near: Socket;
  readonly #far: Socket;
  /** After data was lost on the way, neither side can interpret what follows. */
  #isDead = false;

  constructor(near: Socket, far: Socket, fault: () => Fault | null) {
    this.#near = near;
    this.#far = far;
    near.on('data', (chunk) => {
      if (fault() === 'black-hole') this.#isDead = true;
      if (!this.#isDead) far.write(chunk);
    });
    far.on('data', (chunk) => {
      if (fault() === 'black-hole') this.#isDead = true;
      if (this.#isDead || fault() === 'eat-answers') return;
      if (fault() === 'trickle') void this.#trickle(chunk);
      else near.write(chunk);
    });
    for (const socket of [near, far]) socket.on('error', () => undefined);
    near.on('close', () => far.destroy());
    far.on('close', () => {
      if (!this.#isDead) near.destroy();
    });
  }

  async #trickle(chunk: Buffer): Promise<void> {
    this.#far.pause();
    for (const byte of chunk) {
      if (this.#near.destroyed) return;
      this.#near.write(Buffer.of(byte));
      await new Promise((resolve) => setTimeout(resolve, TRICKLE_MS));
    }
    this.#far.resume();
  }

  halfOpen(): void {
    this.#isDead = true;
    this.#far.destroy();
  }

  cut(): void {
    this.#near.resetAndDestroy();
    this.#far.resetAndDestroy();
  }
}

/** Starts a proxy to the server of `url` on a free port. */
export async function startFaultProxy(url: string): Promise<FaultProxy> {
  const target = new URL(url);
  const links = new Set<Link>();
  let fault: Fault | null = null;
  let made = 0;
  const server = createServer((near) => {
    made += 1;
    const link = new Link(near, connect(Number(target.port), target.hostname), () => fault);
    links.add(link);
    near.on('close', () => links.delete(link));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: Object.assign(new URL(url), { host: `127.0.0.1:${port}` }).href,
    get made() {
      return made;
    },
    set(next) {
      fault = next;
      if (fault === 'half-open') for (const link of links) link.halfOpen();
    },
    cut() {
      for (const link of links) link.cut();
    },
    close() {
      for (const link of links) link.cut();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
