import {
  Agent,
  createServer,
  request,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { Exchange } from './exchange.ts';
import type { Entry } from '../checks/ledger.ts';
import { never, type Actor, type Scheduler, type Thread } from '../scheduler.ts';

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: Buffer;
}

/** What a schedule knows and decides about each HTTP request. */
export interface WireWatch {
  readonly scheduler: Scheduler;
  /** Box's own time, in milliseconds since 1970. */
  now(): number;
  /** Called when the request has left the process, before any fault. Returns where its result is noted. */
  arrived(thread: Thread, exchange: Exchange): Promise<Entry>;
  /** Called just before Box receives it. */
  forwarded(thread: Thread, entry: Entry): Promise<void>;
  /** Box receives the request some time after the sender has given it up. */
  late(deliver: () => Promise<void>): void;
}

const before = ['reset', '429', '429 until a date', '429 untold', '503', 'HTML 502', '401', '403'] as const;
const beforeCreate = [...before, 'late'] as const;
/** Box may not know a user yet whom it has just created. */
const beforeAdd = [...before, 'not found'] as const;
/** For Box's listings, which may lag. */
const beforeFind = [...before, 'shows nobody'] as const;
const after = ['reply lost', 'reply cut in half', 'HTML 502 all the same', '503 all the same'] as const;
type Before = (typeof beforeCreate)[number] | (typeof beforeAdd)[number] | (typeof beforeFind)[number];

/**
 * The wire between Foyer and the Box twin: a real HTTP server in between, with a boundary before Box receives a
 * request, and another after Box has carried it out but before the response is seen.
 */
export class BoxWire {
  readonly #server: Server;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #twin: URL;
  readonly #open = new Map<ServerResponse, Actor>();
  #watch: WireWatch | null = null;

  private constructor(server: Server, twinUrl: string) {
    this.#server = server;
    this.#twin = new URL(twinUrl);
  }

  static async open(twinUrl: string): Promise<BoxWire> {
    const server = createServer();
    const wire = new BoxWire(server, twinUrl);
    server.on('request', (incoming, response) => void wire.#serve(incoming, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return wire;
  }

  /** The origin that Foyer uses as Box's. */
  get url(): string {
    const address = this.#server.address();
    if (typeof address !== 'object' || address === null) throw new Error('The wire is not open.');
    return `http://127.0.0.1:${address.port}`;
  }

  use(watch: WireWatch | null): void {
    this.#watch = watch;
  }

  /** Its connections end with it. */
  cut(actor: Actor): void {
    for (const [response, sender] of this.#open) {
      if (sender === actor) response.socket?.destroy();
    }
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#agent.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readAll(incoming);
    const watch = this.#watch;
    const thread = watch?.scheduler.running;
    if (!watch || !thread) return void response.socket?.destroy();
    this.#open.set(response, thread.actor);
    response.once('close', () => this.#open.delete(response));
    try {
      await this.#exchange(watch, thread, incoming, body, response);
    } catch (error) {
      watch.scheduler.faults.push(`the wire: ${String(error)}`);
      response.socket?.destroy();
    }
  }

  async #exchange(
    watch: WireWatch,
    thread: Thread,
    incoming: IncomingMessage,
    body: Buffer,
    response: ServerResponse,
  ): Promise<void> {
    const { scheduler } = watch;
    const exchange = { method: incoming.method ?? '', path: incoming.url ?? '', body: body.toString() };
    const { name, faults } = boundaryOf(exchange);
    const entry = await watch.arrived(thread, exchange);
    const forward = async (): Promise<Answer> => {
      const answered = await this.#forward(incoming, body);
      entry.did = answered.status;
      return answered;
    };
    const fault = await scheduler.reach<Before>(thread, `${name} before`, faults);
    if (fault === 'late') watch.late(async () => void (await forward()));
    if (fault === 'reset' || fault === 'late') return void response.socket?.resetAndDestroy();
    if (fault === null) await watch.forwarded(thread, entry);
    const answer = fault === null ? await forward() : refusals[fault](watch.now());
    const spoilt = fault === null ? await scheduler.reach(thread, `${name} after`, after) : null;
    if (thread.actor.dead) return never();
    if (spoilt === 'reply lost') return void response.socket?.resetAndDestroy();
    const shown = spoilt === null ? answer : spoil[spoilt](answer);
    entry.shown = spoilt === 'reply cut in half' ? null : shown.status;
    send(response, shown);
  }

  #forward(incoming: IncomingMessage, body: Buffer): Promise<Answer> {
    const { hostname, port } = this.#twin;
    const { method, url: path, headers } = incoming;
    return new Promise((resolve, reject) => {
      const outgoing = request({ agent: this.#agent, hostname, port, method, path, headers }, (answered) => {
        readAll(answered).then(
          (read) => resolve({ status: answered.statusCode ?? 0, headers: answered.headers, body: read }),
          reject,
        );
      });
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }
}

/** All ids in a path share one boundary; a listing with a filter has another boundary than one without. */
function boundaryOf({ method, path }: Exchange): { name: string; faults: readonly Before[] } {
  const [where = '', query = ''] = path.split('?');
  const place = where.replaceAll(/\/\d+(?=\/|$)/g, '/:id');
  if (method === 'POST' && place === '/2.0/users')
    return { name: `http ${method} ${place}`, faults: beforeCreate };
  if (method === 'POST' && place === '/2.0/group_memberships')
    return { name: `http ${method} ${place}`, faults: beforeAdd };
  const filter = ['external_app_user_id', 'filter_term'].find((name) => new URLSearchParams(query).has(name));
  if (filter) return { name: `http ${method} ${place}?${filter}`, faults: beforeFind };
  const isListing = place === '/2.0/users/:id/memberships';
  return { name: `http ${method} ${place}`, faults: isListing ? beforeFind : before };
}

const json = (status: number, body: object, headers: Record<string, string> = {}): Answer => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: Buffer.from(JSON.stringify(body)),
});
const refusal = (status: number, code: string, headers: Record<string, string> = {}): Answer =>
  json(status, { type: 'error', status, code, message: code, request_id: 'chaos' }, headers);
const page = (): Answer => ({
  status: 502,
  headers: { 'content-type': 'text/html' },
  body: Buffer.from('<html><body><h1>502 Bad Gateway</h1></body></html>'),
});
const tooMany = (headers: Record<string, string>): Answer => refusal(429, 'rate_limit_exceeded', headers);

const refusals: Record<Exclude<Before, 'reset' | 'late'>, (now: number) => Answer> = {
  '429': () => tooMany({ 'retry-after': '7' }),
  '429 until a date': (now) => tooMany({ 'retry-after': new Date(now + 9_000).toUTCString() }),
  '429 untold': () => tooMany({}),
  '503': () => refusal(503, 'unavailable'),
  'HTML 502': page,
  '401': () => refusal(401, 'unauthorized'),
  'not found': () => refusal(404, 'not_found'),
  '403': () => refusal(403, 'access_denied_insufficient_permissions'),
  'shows nobody': () => json(200, { total_count: 0, entries: [], limit: 100, offset: 0 }),
};

const spoil: Record<Exclude<(typeof after)[number], 'reply lost'>, (answer: Answer) => Answer> = {
  'reply cut in half': (answer) => ({ ...answer, body: answer.body.subarray(0, answer.body.length / 2) }),
  'HTML 502 all the same': page,
  '503 all the same': () => refusal(503, 'unavailable'),
};

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  const kept = Object.entries(headers).filter(
    ([name]) => !['connection', 'keep-alive', 'transfer-encoding', 'content-length'].includes(name),
  );
  response.writeHead(status, { ...Object.fromEntries(kept), 'content-length': body.length });
  response.end(body);
}

async function readAll(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
