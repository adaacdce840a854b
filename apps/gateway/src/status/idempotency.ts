import { hash } from 'node:crypto';
import type { IdempotencyClaim } from '@foyer/persistence';
import type { Person } from '@foyer/shared';
import { idempotencyKeyOf } from '../access/validation.ts';

/**
 * The claim of an Idempotency-Key header; undefined without one. Two bodies are equal when they have the same content.
 */
export function toClaim(client: string, key: string | undefined, body: Person): IdempotencyClaim | undefined {
  const given = idempotencyKeyOf(key);
  if (given === null) return undefined;
  const { issuer, subject, username, email, name } = body;
  const bodyHash = hash('sha256', JSON.stringify([issuer, subject, username, email ?? null, name]));
  return { client, key: given, bodyHash };
}
