import { hkdfSync } from 'node:crypto';
import type { GatewayConfig } from '@foyer/platform';

/** What one tenant's cookies are called and sealed with. */
export interface TenantCookies {
  /** The name of a cookie, of this tenant only: browsers do not tell the ports of a host apart. */
  readonly name: (of: 'foyer' | 'foyer-login') => string;
  /** Keys of 32 bytes for one use, from SESSION_SECRET in its order: the first one is for what is made now. */
  readonly keys: (use: 'session' | 'attempt') => readonly Buffer[];
  readonly secure: boolean;
}

type Settings = Pick<GatewayConfig, 'FOYER_ENV' | 'FOYER_TENANT' | 'SESSION_SECRET'>;

/**
 * Cookies that are nothing at another tenant, even one with the same SESSION_SECRET: the tenant is in their names and in the
 * derivation of their keys (RFC 5869).
 */
export function tenantCookies({ FOYER_ENV, FOYER_TENANT: tenant, SESSION_SECRET }: Settings): TenantCookies {
  const secure = FOYER_ENV === 'production';
  // A dot cannot be in the name of a tenant, nor in the state of an attempt: no name is the beginning of another one.
  const suffix = tenant === 'default' ? '' : `.${tenant}`;
  return {
    name: (of) => `${secure ? '__Host-' : ''}${of}${suffix}`,
    keys: (use) =>
      SESSION_SECRET.map((secret) =>
        Buffer.from(hkdfSync('sha256', secret, '', `foyer ${use} of ${tenant}`, 32)),
      ),
    secure,
  };
}
