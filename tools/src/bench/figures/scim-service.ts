import http from 'node:http';
import { openDatabase, openTenant, ScimTokens } from '@foyer/persistence';
import pg from 'pg';
import { z } from 'zod';
import { startStack, type Stack, type StackOptions } from '../../stack/stack.ts';
import { load } from '../load.ts';
import { UNLIMITED } from '../unlimited.ts';

const TENANT = 'default';

/** A gateway as an Okta org uses it: over kept connections, with a token of its own. */
export interface Service {
  readonly stack: Stack;
  readonly base: string;
  readonly headers: Record<string, string>;
}

export async function startService({
  postgresUrl,
  redis = false,
  parts = ['okta', 'box', 'gateway'],
}: { postgresUrl?: string; redis?: boolean; parts?: StackOptions['parts'] } = {}): Promise<Service> {
  const stack = await startStack({
    parts,
    redis,
    env: { gateway: UNLIMITED.gateway },
    ...(postgresUrl !== undefined && { postgresUrl }),
  });
  const database = openDatabase({ url: stack.databaseUrl, poolSize: 2 });
  try {
    const tokens = new ScimTokens(database, await openTenant(database, TENANT));
    const made = await tokens.create({ name: 'bench', days: 1 }, 'bench');
    if (made === null) throw new Error('There is a token of this name already.');
    const base = `${stack.urls.gateway.replace('localhost', '127.0.0.1')}/scim/v2`;
    return { stack, base, headers: { authorization: `Bearer ${made.token}` } };
  } finally {
    await database.close();
  }
}

let made = 0;
/** A person as Okta pushes them, another one each time. */
export const samplePerson = () => {
  const name = `bench-${process.pid}-${made++}`;
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
    userName: `${name}@example.com`,
    name: { givenName: 'Bench', familyName: name },
    emails: [{ primary: true, value: `${name}@example.com`, type: 'work' }],
    displayName: `Bench ${name}`,
    locale: 'en-US',
    externalId: `00u${name}`,
    groups: [],
    password: 'never kept',
    active: true,
  };
};

interface Sent {
  readonly status: number;
  readonly body: string;
  readonly ms: number;
}

/** One request with a JSON body, with its response read to the end. */
export function send(
  agent: http.Agent,
  method: string,
  url: string,
  headers: Record<string, string>,
  body: unknown,
): Promise<Sent> {
  const began = performance.now();
  const text = JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const request = http.request(
      url,
      {
        method,
        agent,
        headers: {
          ...headers,
          'content-type': 'application/scim+json; charset=utf-8',
          'content-length': Buffer.byteLength(text),
        },
      },
      (response) => {
        let answer = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (answer += chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: answer, ms: performance.now() - began }),
        );
      },
    );
    request.on('error', reject);
    request.end(text);
  });
}

/** Fills the tenant's tables without the gateway, and returns what `sql` then reads. */
export async function fill<R extends object>(
  { stack }: Service,
  count: number,
  as: 'known' | 'done',
  sql: string,
): Promise<R[]> {
  const client = new pg.Client(stack.databaseUrl);
  await client.connect();
  try {
    const { rows: tenants } = await client.query<{ id: string }>('SELECT id FROM tenant WHERE slug = $1', [
      TENANT,
    ]);
    await load(client, tenants[0]!.id, count, as);
    return (await client.query<R>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** The ids of that many people whom the directory has pushed. */
export async function pushed({ base, headers }: Service, count: number): Promise<string[]> {
  const agent = new http.Agent({ keepAlive: true });
  const ids: string[] = [];
  for (let n = 0; n < count; n++) {
    const { body } = await send(agent, 'POST', `${base}/Users`, headers, samplePerson());
    ids.push(z.object({ id: z.string() }).parse(JSON.parse(body)).id);
  }
  agent.destroy();
  return ids;
}

/** The address and the body of requests that switch people off and on, each in turn. */
export function switching(
  base: string,
  ids: readonly string[],
): () => { readonly url: string; readonly body: unknown } {
  let sent = 0;
  return () => {
    const [place, round] = [sent % ids.length, Math.floor(sent / ids.length)];
    sent++;
    const schemas = ['urn:ietf:params:scim:api:messages:2.0:PatchOp'];
    return {
      url: `${base}/Users/${ids[place]!}`,
      body: { schemas, Operations: [{ op: 'replace', value: { active: round % 2 === 1 } }] },
    };
  };
}

/** Fills the tables with people, and returns look-ups of a thousand of them. */
export async function filled(service: Service, count: number) {
  const rows = await fill<{ username: string; subject: string }>(
    service,
    count,
    'done',
    'SELECT username, subject FROM identity ORDER BY random() LIMIT 1000',
  );
  const url = (attribute: string, value: string) =>
    `${service.base}/Users?filter=${encodeURIComponent(`${attribute} eq "${value}"`)}&startIndex=1&count=100`;
  return {
    userName: rows.map(({ username }) => url('userName', username)),
    externalId: rows.map(({ subject }) => url('externalId', subject)),
  };
}
