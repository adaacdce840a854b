import { isRecord } from './exchange.ts';
import { PushError, refusal, type Answer, type ScimClient } from './client.ts';
import { SCHEMA, type Resource } from './mapping.ts';
import { type ScimSettings } from './settings.ts';

/** Okta requests pages of this size. */
export const PAGE = 100;

export type Endpoint = 'Users' | 'Groups';

interface Page {
  total: number;
  resources: Resource[];
}

/** The path of a look-up: `attribute eq "value"`, with spaces as the app encodes them. */
export function lookupPath(
  endpoint: Endpoint,
  attribute: string,
  value: string,
  blanks: ScimSettings['blanks'],
): string {
  const filter = encodeURIComponent(`${attribute} eq ${JSON.stringify(value)}`);
  const written = blanks === 'plus' ? filter.replaceAll('%20', '+') : filter;
  return `/${endpoint}?filter=${written}&startIndex=1&count=${String(PAGE)}`;
}

/**
 * The resource with this value. Okta takes the first in the server's list, without checking it.
 * @throws PushError when the server does not answer with a list
 */
export async function lookUp(
  client: ScimClient,
  endpoint: Endpoint,
  value: string,
  blanks: ScimSettings['blanks'],
): Promise<Resource | undefined> {
  const attribute = endpoint === 'Users' ? 'userName' : 'displayName';
  const answer = await client.send('GET', lookupPath(endpoint, attribute, value, blanks));
  // A server may also report an empty result as 404 with the error schema.
  if (answer.status === 404 && isScimError(answer.body)) return undefined;
  return pageOf(`Looking up ${value}`, answer).resources[0];
}

/** All resources of an endpoint, page by page. */
export async function readAll(client: ScimClient, endpoint: Endpoint): Promise<Resource[]> {
  const found: Resource[] = [];
  for (;;) {
    const path = `/${endpoint}?startIndex=${String(found.length + 1)}&count=${String(PAGE)}`;
    const { total, resources } = pageOf(`Importing ${endpoint}`, await client.send('GET', path));
    found.push(...resources);
    if (resources.length === 0 || found.length >= total) return found;
  }
}

/** @throws PushError unless the response is a list whose counts are integers (RFC 7644, 3.4.2) */
export function pageOf(what: string, answer: Answer): Page {
  if (answer.status !== 200) throw refusal(what, answer);
  const { status, body } = answer;
  if (!isRecord(body)) throw new PushError(`${what}: the answer is not a list`, status);
  for (const count of ['totalResults', 'startIndex', 'itemsPerPage']) {
    const needed = count === 'totalResults';
    if (!Number.isInteger(body[count]) && (needed || body[count] !== undefined))
      throw new PushError(`${what}: ${count} is not an integer`, status);
  }
  const resources: unknown = body['Resources'] ?? [];
  if (!Array.isArray(resources) || !resources.every(isRecord))
    throw new PushError(`${what}: Resources is not a list of objects`, status);
  return { total: Number(body['totalResults']), resources };
}

/** The id of a resource. */
export function idOf(what: string, resource: Resource): string {
  const id = resource['id'];
  if (typeof id !== 'string' || id === '') throw new PushError(`${what}: the resource has no id`);
  return id;
}

function isScimError(body: unknown): boolean {
  const schemas = isRecord(body) ? body['schemas'] : undefined;
  return Array.isArray(schemas) && schemas.includes(SCHEMA.error);
}
