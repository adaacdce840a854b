import type { GatewayConfig } from '@foyer/platform';
import type { RequestHandler } from 'express';

/**
 * Begins a sign-in again under the one origin that Okta sends people back to: under another name for the same host its
 * cookie would not come back. Looks only at names that are the browser's own word, not a proxy's.
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
