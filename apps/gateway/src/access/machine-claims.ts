/** The claims of an access token by which a machine is told from a person. */
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
 * The machine that a token was issued to for itself (client credentials), or null: a person's token, or one of which nobody
 * can tell. A token is a machine's only when its provider says so in a claim that no person's token has:
 *
 * - Okta: `cid`, no `uid`, and `cid` is the subject;
 * - Auth0: the subject is the client with `@clients` behind it (a person's has the connection and a bar before it);
 * - Entra ID: `idtyp` is `app` (an optional claim that has to be switched on), and there is no `scp`; the rights are in `roles`;
 * - any other: `client_id` or `azp` is the subject (RFC 9068, section 2.2).
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
