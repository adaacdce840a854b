import { type KoaContextWithOIDC } from 'oidc-provider';
import { someoneElse } from '../control/damage.ts';
import { type Org } from '../org/org.ts';

const USERINFO = '/oauth2/v1/userinfo';

/**
 * The userinfo endpoint as Okta has it, around oidc-provider's: it accepts the org's JWTs, and reports errors in a
 * header.
 */
export function userinfoAsOkta(org: Org) {
  return async (ctx: KoaContextWithOIDC, next: () => Promise<unknown>): Promise<void> => {
    if (ctx.path !== USERINFO || !['GET', 'POST'].includes(ctx.method)) {
      await next();
      return;
    }
    const [, token] = /^Bearer (\S+)$/i.exec(ctx.get('authorization')) ?? [];
    const opaque = token === undefined ? undefined : await org.accessTokens.unwrap(token);
    if (opaque === undefined) {
      refuse(ctx, 401);
      return;
    }
    ctx.req.headers.authorization = `Bearer ${opaque}`;
    ctx.req.headers.accept = 'application/json';
    await next();
    if (ctx.status !== 200) {
      refuse(ctx, ctx.status);
      return;
    }
    const asked = ctx.oidc.account?.accountId;
    if (asked !== undefined && org.faults.strike(['userinfoOtherSub'], 'userinfo')) {
      const claims: unknown = ctx.body;
      if (typeof claims === 'object')
        ctx.body = { ...claims, sub: someoneElse(org, asked)?.id ?? '00uSomebodyElse00000' };
    }
  };
}

/** Okta's refusal: no body, the reason in `WWW-Authenticate`. */
function refuse(ctx: KoaContextWithOIDC, status: number): void {
  const reason =
    status === 403
      ? 'error="insufficient_scope", error_description="The access token must provide access to the openid scope"'
      : 'error="invalid_token", error_description="The access token is invalid"';
  ctx.body = null;
  ctx.status = status === 403 ? 403 : 401;
  ctx.set('www-authenticate', `Bearer ${reason}`);
}
