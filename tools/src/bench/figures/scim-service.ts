import http from 'node:http';
import { openDatabase, openTenant, ScimTokens } from '@foyer/persistence';
import pg from 'pg';
import { startStack, type Stack } from '../../stack/stack.ts';
import { load } from '../load.ts';

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
}: { postgresUrl?: string; redis?: boolean } = {}): Promise<Service> {
  const stack = await startStack({
    parts: ['okta', 'box', 'gateway'],
    redis,
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
