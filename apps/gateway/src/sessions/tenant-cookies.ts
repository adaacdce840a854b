import { hkdfSync } from 'node:crypto';
import type { GatewayConfig } from '@foyer/platform';

/** The names and keys of one tenant's cookies. */
export interface TenantCookies {
  /** The name of a cookie of this tenant: browsers share cookies between the ports of a host. */
  readonly name: (of: 'foyer' | 'foyer-login') => string;
  /**
   * Keys of 32 bytes for one purpose, derived from each SESSION_SECRET in order; the first one encrypts new cookies.
   */
  readonly keys: (use: 'session' | 'attempt') => readonly Buffer[];
  readonly secure: boolean;
}

type Settings = Pick<GatewayConfig, 'FOYER_ENV' | 'FOYER_TENANT' | 'SESSION_SECRET'>;

/**
 * Cookies that are invalid at another tenant, even with the same SESSION_SECRET: the tenant is in their names and in
 * the derivation of their keys (RFC 5869).
 */
export function tenantCookies({ FOYER_ENV, FOYER_TENANT: tenant, SESSION_SECRET }: Settings): TenantCookies {
  const secure = FOYER_ENV === 'production';
  // Neither a tenant's name nor an attempt's state can contain a dot, so no cookie's name is a prefix of another.
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
