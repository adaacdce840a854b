import { randomBytes } from 'node:crypto';
import { TTL } from '../settings.ts';

const URN = 'urn:okta:';
const MAX_KEPT = 10_000;

/** Pushed authorization requests (RFC 9126) as Okta stores them: `urn:okta:…`, valid for an hour. */
export class PushedRequests {
  readonly #kept = new Map<string, { params: URLSearchParams; expiresAt: number }>();

  /** Stores a request for its client and returns its name. */
  push(clientId: string, params: URLSearchParams): { request_uri: string; expires_in: number } {
    this.#prune();
    const uri = URN + randomBytes(24).toString('base64url');
    const kept = new URLSearchParams(params);
    kept.delete('client_secret');
    kept.set('client_id', clientId);
    this.#kept.set(uri, { params: kept, expiresAt: Date.now() + TTL.par * 1000 });
    return { request_uri: uri, expires_in: TTL.par };
  }

  /** The request behind a `request_uri` of the same client; any other request is returned unchanged. */
  expand(params: URLSearchParams): URLSearchParams {
    const found = this.#kept.get(params.get('request_uri') ?? '');
    if (!found || found.expiresAt <= Date.now()) return params;
    return found.params.get('client_id') === params.get('client_id') ? found.params : params;
  }

  #prune(): void {
    const now = Date.now();
    let surplus = this.#kept.size - MAX_KEPT;
    // The entries are in order of age and live equally long, so the first valid one ends the search.
    for (const [uri, { expiresAt }] of this.#kept) {
      if (expiresAt > now && surplus-- <= 0) return;
      this.#kept.delete(uri);
    }
  }
}
