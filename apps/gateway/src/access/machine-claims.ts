/** The claims of an access token that tell a machine from a person. */
export interface GrantClaims {
  readonly sub: string;
  readonly cid?: string | undefined;
  readonly client_id?: string | undefined;
  readonly azp?: string | undefined;
  readonly appid?: string | undefined;
  readonly uid?: unknown;
  readonly idtyp?: unknown;
  readonly scp?: readonly string[] | undefined;
  readonly scope?: readonly string[] | undefined;
  readonly roles?: readonly string[] | undefined;
}

export interface Machine {
  readonly clientId: string;
  readonly scopes: readonly string[];
}

/**
 * Returns the machine to which a token was issued for itself (client credentials); null for a person's token and for a
 * token that does not prove either. A token counts as a machine's only when a claim says so that no person's token has:
 *
 * - Okta: `cid` is present, `uid` is absent, and `cid` is the subject;
 * - Auth0: the subject is the client id followed by `@clients` (a person's subject is the connection, a bar and an
 *   id);
 * - Entra ID: `idtyp` is `app` (an optional claim that an administrator has to enable), and `scp` is absent; the
 *   rights are in `roles`;
 * - any other provider: `client_id` or `azp` is the subject (RFC 9068, section 2.2).
 */
export function machineOf(claims: GrantClaims): Machine | null {
  const { sub, cid, client_id, azp, appid, uid, idtyp, scp, scope, roles } = claims;
  if (uid !== undefined) return null;
  if (idtyp !== undefined) {
    const clientId = azp ?? appid;
    const isApp = idtyp === 'app' && scp === undefined && !!clientId;
    return isApp ? { clientId, scopes: roles ?? [] } : null;
  }
  const clientId = cid ?? client_id ?? azp;
  if (!clientId || (sub !== clientId && sub !== `${clientId}@clients`)) return null;
  return { clientId, scopes: scp ?? scope ?? [] };
}
