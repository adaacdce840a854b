import { hash } from 'node:crypto';
import type { IdempotencyClaim } from '@foyer/persistence';
import { IdempotencyKey, type Person } from '@foyer/shared';
import { invalidRequest } from '../access/validation.ts';

/** The claim of an Idempotency-Key header; undefined without one. Two bodies are the same when they say the same. */
export function toClaim(client: string, key: string | undefined, body: Person): IdempotencyClaim | undefined {
  if (key === undefined) return undefined;
  const parsed = IdempotencyKey.safeParse(key);
  if (!parsed.success) {
    const message = parsed.error.issues[0]?.message ?? 'is not valid';
    throw invalidRequest([{ field: 'Idempotency-Key', message }]);
  }
  const { issuer, subject, username, email, name } = body;
  const bodyHash = hash('sha256', JSON.stringify([issuer, subject, username, email ?? null, name]));
  return { client, key: parsed.data, bodyHash };
}
