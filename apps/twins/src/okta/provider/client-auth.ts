import { createHash, timingSafeEqual } from 'node:crypto';
import { type TwinClient } from '../config.ts';
import { OKTA_ERRORS, type OktaError } from '../login/texts.ts';

interface Credentials {
  id: string;
  secret: string;
}

/**
 * Identifies the calling client, by client_secret_basic (both halves form-encoded, RFC 6749 2.3.1) or
 * client_secret_post.
 */
export function authenticateClient(
  clients: readonly TwinClient[],
  authorization: string | undefined,
  form: URLSearchParams,
): { client: TwinClient } | { error: OktaError } {
  const basic = authorization === undefined ? undefined : basicCredentials(authorization);
  const secret = form.get('client_secret');
  if (authorization !== undefined && secret !== null) return { error: OKTA_ERRORS.clientAuthTwice };
  const given = basic ?? (secret === null ? undefined : { id: form.get('client_id') ?? '', secret });
  if (!given) return { error: OKTA_ERRORS.noCredentials };
  const client = clients.find(({ id }) => id === given.id);
  if (!client) return { error: OKTA_ERRORS.clientId };
  return sameText(client.secret, given.secret) ? { client } : { error: OKTA_ERRORS.clientSecret };
}

function basicCredentials(authorization: string): Credentials | undefined {
  const [, encoded] = /^Basic ([A-Za-z0-9+/]+={0,2})$/i.exec(authorization) ?? [];
  if (encoded === undefined) return undefined;
  const [, id, secret] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded, 'base64').toString()) ?? [];
  if (id === undefined || secret === undefined) return undefined;
  try {
    return { id: formDecode(id), secret: formDecode(secret) };
  } catch {
    return undefined;
  }
}

function formDecode(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '));
}

function sameText(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
