import type { GatewayConfig } from '@foyer/platform';
import type { RequestHandler } from 'express';

/**
 * Restarts a sign-in under the one origin to which Okta redirects, because the cookie of another host name would not
 * be sent back. Considers only host names that the browser itself sent, not those of a proxy.
 */
export function canonicalOrigin({ FOYER_BASE_URL, FOYER_ENV, TRUST_PROXY }: GatewayConfig): RequestHandler {
  const { origin, host: ours } = new URL(FOYER_BASE_URL);
  return (req, res, next) => {
    const direct = FOYER_ENV === 'development' ? req.headers.host : undefined;
    const host = TRUST_PROXY > 0 ? req.headers['x-forwarded-host'] : direct;
    if (req.method !== 'GET' || req.path !== '/login' || host === undefined || host === ours) return next();
    res.redirect(302, `${origin}/login${new URL(req.originalUrl, origin).search}`);
  };
}
