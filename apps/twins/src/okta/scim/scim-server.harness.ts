import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';

type Json = Record<string, unknown>;

/** One request as it arrived. */
export interface Seen {
  method: string;
  /** Path and query below the base, undecoded. */
  path: string;
  body: unknown;
}

/** What the server does instead of its work, once. `before`: without doing the work; `after`: after doing it. */
export interface Fault {
  when: (seen: Seen) => boolean;
  act: (res: ServerResponse) => void;
  after?: boolean;
}

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const LIST = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const ERROR = 'urn:ietf:params:scim:api:messages:2.0:Error';
const TYPE = 'application/scim+json';

export const TOKEN = 'scim-token-of-the-tests';

export const HEADERS: Readonly<Record<string, string>> = {
  accept: TYPE,
  'accept-charset': 'utf-8',
  'accept-encoding': 'gzip,deflate',
  'user-agent': 'Okta SCIM Client 1.0.0',
  authorization: `Bearer ${TOKEN}`,
};

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A small, strict SCIM server: every deviation from the documentation is added to `wrongs`. */
export class ScimServer {
  readonly users = new Map<string, Json>();
  readonly groups = new Map<string, Json>();
  readonly seen: Seen[] = [];
  readonly wrongs: string[] = [];
  /** Responses are compressed. */
  gzip = false;
  /** An empty result is a 404 with an Error, which a server may send. */
  notFoundAs404 = false;
  readonly #faults: Fault[] = [];
  readonly #server: Server;
  readonly #read = new Set<string>();
  #nextId = 1;

  constructor() {
    this.#server = createServer((req, res) => {
      this.#handle(req, res).catch((error: unknown) => {
        this.wrongs.push(String(error));
        res.destroy();
      });
    });
  }

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  get baseUrl(): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${String(typeof address === 'object' ? address?.port : '')}/scim/v2`;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  fault(act: Fault['act'], when: Fault['when'] = () => true, after = false): void {
    this.#faults.push({ act, when, after });
  }

  /** `METHOD /path` of each request, queries decoded. */
  asked(): string[] {
    return this.seen.map(({ method, path }) => `${method} ${decodeURIComponent(path.replaceAll('+', ' '))}`);
  }

  /** Bodies of the requests with this method, in order. */
  bodies(method: string): unknown[] {
    return this.seen.filter((one) => one.method === method).map(({ body }) => body);
  }

  clear(): void {
    this.seen.length = 0;
  }

  addUser(user: Json): string {
    const id = `user-${String(this.#nextId++)}`;
    this.users.set(id, { schemas: [USER], active: true, ...user, id, meta: metaOf('User') });
    return id;
  }

  addGroup(displayName: string, members: Json[] = []): string {
    const id = `group-${String(this.#nextId++)}`;
    this.groups.set(id, { schemas: [GROUP], displayName, members, id, meta: metaOf('Group') });
    return id;
  }

  /** Ids of a group's members. */
  members(id: string): unknown[] {
    const members = this.groups.get(id)?.['members'];
    return Array.isArray(members) ? members.map((member: unknown) => isJson(member) && member['value']) : [];
  }

  async #handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { method = '', url = '' } = req;
    const raw = await text(req);
    const body: unknown = raw === '' ? undefined : JSON.parse(raw);
    const seen = { method, path: url.replace(/^\/scim\/v2/, ''), body };
    this.seen.push(seen);
    this.#checkHeaders(req, raw);
    const at = this.#faults.findIndex(({ when }) => when(seen));
    const [fault] = at < 0 ? [] : this.#faults.splice(at, 1);
    if (fault && !fault.after) {
      fault.act(res);
      return;
    }
    const [status, answer] = this.#answer(seen);
    if (fault) fault.act(res);
    else this.#send(res, status, answer);
  }

  #send(res: ServerResponse, status: number, answer: unknown): void {
    res.statusCode = status;
    if (answer === undefined) {
      res.end();
      return;
    }
    res.setHeader('content-type', TYPE);
    const bytes = Buffer.from(JSON.stringify(answer));
    if (this.gzip) res.setHeader('content-encoding', 'gzip');
    res.end(this.gzip ? gzipSync(bytes) : bytes);
  }

  #expect(holds: boolean, what: string): void {
    if (!holds) this.wrongs.push(what);
  }

  #checkHeaders({ headers, method, url }: IncomingMessage, raw: string): void {
    for (const [name, value] of Object.entries(HEADERS))
      this.#expect(
        headers[name] === value,
        `${String(method)} ${String(url)}: ${name} ${String(headers[name])}`,
      );
    const type = raw === '' ? undefined : `${TYPE}; charset=utf-8`;
    this.#expect(headers['content-type'] === type, `content-type ${String(headers['content-type'])}`);
    const allowed = [...Object.keys(HEADERS), 'content-type', 'content-length', 'host', 'connection'];
    const others = Object.keys(headers).filter((name) => !allowed.includes(name));
    this.#expect(others.length === 0, `headers that Okta does not send: ${others.join(', ')}`);
    this.#expect(headers['transfer-encoding'] === undefined, 'a body without a length');
  }

  #answer({ method, path, body }: Seen): [number, unknown] {
    const { pathname, searchParams } = new URL(`http://server${path}`);
    const [, endpoint = '', id] = pathname.split('/').map(decodeURIComponent);
    const store = endpoint === 'Users' ? this.users : endpoint === 'Groups' ? this.groups : undefined;
    if (!store) return this.#refuse(404, `no endpoint ${endpoint}`);
    if (id === undefined) {
      if (method === 'GET') return this.#list(store, endpoint, searchParams);
      return this.#create(store, endpoint, body);
    }
    this.#expect(searchParams.size === 0, `query on ${path}`);
    const known = store.get(id);
    if (!known) return this.#refuse(404, `Resource ${id} not found`);
    if (method === 'GET') {
      this.#read.add(id);
      return [200, known];
    }
    return this.#write(method, endpoint, known, body);
  }

  #list(store: Map<string, Json>, endpoint: string, query: URLSearchParams): [number, unknown] {
    const names = [...query.keys()].join(',');
    this.#expect(['filter,startIndex,count', 'startIndex,count'].includes(names), `query ${names}`);
    const startIndex = Number(query.get('startIndex'));
    const count = Number(query.get('count'));
    this.#expect(count === 100 || (endpoint === 'Users' && count === 2), `count ${String(count)}`);
    const found = [...store.values()].filter((one) => this.#matches(one, endpoint, query.get('filter')));
    if (found.length === 0 && this.notFoundAs404) return this.#refuse(404, 'not found');
    const page = found.slice(startIndex - 1, startIndex - 1 + count);
    return [
      200,
      {
        schemas: [LIST],
        totalResults: found.length,
        startIndex,
        itemsPerPage: page.length,
        Resources: page,
      },
    ];
  }

  #matches(resource: Json, endpoint: string, filter: string | null): boolean {
    if (filter === null) return true;
    const attribute = endpoint === 'Users' ? 'userName' : 'displayName';
    const [, name, quoted = '""'] = /^(\w+) eq (".*")$/.exec(filter) ?? [];
    this.#expect(name === attribute, `filter ${filter}`);
    return String(resource[attribute]).toLowerCase() === String(JSON.parse(quoted)).toLowerCase();
  }

  #create(store: Map<string, Json>, endpoint: string, body: unknown): [number, unknown] {
    if (!isJson(body)) throw new Error(`POST of ${String(body)}`);
    const user = endpoint === 'Users';
    if (user) this.#checkNewUser(body);
    else this.#expect(sameNames(body, ['schemas', 'displayName', 'members']), `group ${keysOf(body)}`);
    const { password: _password, ...kept } = body;
    const name = user ? 'userName' : 'displayName';
    if ([...store.values()].some((one) => one[name] === kept[name]))
      return this.#refuse(409, `${String(kept[name])} is taken`, 'uniqueness');
    const id = user ? this.addUser(kept) : this.addGroup(String(kept['displayName']), kept['members'] as []);
    return [201, store.get(id)];
  }

  #checkNewUser(body: Json): void {
    const order = ['schemas', 'userName', 'name', 'emails', 'externalId', 'groups', 'password', 'active'];
    const present = Object.keys(body).filter((name) => order.includes(name));
    const expected = 'name' in body ? order : order.filter((name) => name !== 'name');
    this.#expect(present.join() === expected.join(), `POST /Users with ${keysOf(body)}`);
    this.#expect(
      typeof body['password'] === 'string' && body['password'].length >= 8,
      'POST without a password',
    );
    this.#expect(
      body['active'] === true && JSON.stringify(body['groups']) === '[]',
      'POST not active, or in groups',
    );
    this.#expect(/^00u[A-Za-z0-9]{17}$/.test(String(body['externalId'])), 'externalId is no Okta user id');
  }

  #write(method: string, endpoint: string, known: Json, body: unknown): [number, unknown] {
    const id = String(known['id']);
    const store = endpoint === 'Users' ? this.users : this.groups;
    if (method === 'DELETE') {
      this.#expect(endpoint === 'Groups', 'Okta deletes no users');
      this.groups.delete(id);
      return [204, undefined];
    }
    if (!isJson(body)) throw new Error(`${method} of ${String(body)}`);
    if (method === 'PUT') {
      this.#expect(this.#read.delete(id), `PUT of ${id} without a GET before it`);
      this.#expect(body['id'] === id, `PUT of ${id} with id ${String(body['id'])}`);
      const expected = endpoint === 'Users' ? USER : GROUP;
      this.#expect((body['schemas'] as unknown[]).includes(expected), 'PUT without its schema');
      store.set(id, { ...body, meta: known['meta'] });
    } else this.#patch(known, body);
    return [200, store.get(id)];
  }

  #patch(known: Json, body: Json): void {
    const operations = body['Operations'];
    if (!Array.isArray(operations)) throw new Error('PATCH without Operations');
    const whole = operations.some(
      (one: unknown) => isJson(one) && isJson(one['value']) && 'members' in one['value'],
    );
    this.#expect(
      whole || JSON.stringify(body['schemas']) === JSON.stringify([PATCH]),
      'PATCH without its schema',
    );
    for (const operation of operations as Json[]) this.#apply(known, operation);
  }

  #apply(known: Json, { op, path, value }: Json): void {
    const members = (known['members'] ?? []) as Json[];
    const removed = /^members\[value eq "(.*)"\]$/.exec(String(path))?.[1];
    if (op === 'replace' && path === undefined && isJson(value)) Object.assign(known, value);
    else if (op === 'replace' && path === 'members') known['members'] = value;
    else if (op === 'add' && path === 'members' && Array.isArray(value)) {
      for (const one of value) this.#expect(sameNames(one as Json, ['value', 'display']), 'member');
      known['members'] = [...members, ...(value as Json[])];
    } else if (op === 'remove' && removed !== undefined) {
      this.#expect(
        members.some((one) => one['value'] === removed),
        `removal of ${removed}, who is no member`,
      );
      known['members'] = members.filter((one) => one['value'] !== removed);
    } else this.wrongs.push(`operation ${JSON.stringify({ op, path })}`);
  }

  #refuse(status: number, detail: string, scimType?: string): [number, unknown] {
    return [status, { schemas: [ERROR], status: String(status), detail, scimType }];
  }
}

function metaOf(resourceType: string): Json {
  return { resourceType, created: '2026-01-01T00:00:00.000Z', location: 'https://scim.example.com/1' };
}

function keysOf(body: Json): string {
  return Object.keys(body).join();
}

function sameNames(body: Json, names: readonly string[]): boolean {
  return keysOf(body) === names.join();
}

/** A fault that responds like this. */
export function answering(
  status: number,
  body: string,
  headers: Record<string, string> = {},
): (res: ServerResponse) => void {
  return (res) => {
    res.writeHead(status, headers).end(body);
  };
}
