import { FoyerError } from '@foyer/shared';

/** The WWW-Authenticate header for an error (RFC 6750, section 3); null when the error needs none. */
export function challengeOf(error: unknown, realm: string, scope?: string): string | null {
  if (!(error instanceof FoyerError)) return null;
  const parts = [`realm="${realm}"`];
  if (error.code === 'invalid_token')
    parts.push('error="invalid_token"', `error_description="${error.detail}"`);
  if (error.code === 'insufficient_scope') parts.push('error="insufficient_scope"');
  if (error.code === 'insufficient_scope' && scope !== undefined) parts.push(`scope="${scope}"`);
  return ['unauthenticated', 'invalid_token', 'insufficient_scope'].includes(error.code)
    ? `Bearer ${parts.join(', ')}`
    : null;
}
