import { FoyerError } from '@foyer/shared';
import { z } from 'zod';
import { callOkta, OKTA_TIMEOUT_MS, refuseUnavailable } from './okta-json.ts';

const endpoint = z.url({ protocol: /^https?$/ });
const Metadata = z.object({
  issuer: z.string(),
  authorization_endpoint: endpoint,
  token_endpoint: endpoint,
  userinfo_endpoint: endpoint,
  jwks_uri: endpoint,
  end_session_endpoint: endpoint.optional(),
});
export type Metadata = z.infer<typeof Metadata>;

const KEEP_MS = 3_600_000;

/**
 * Okta's own word on where its endpoints are (OpenID Connect Discovery 1.0, section 4). Asked at the first sign-in and
 * then hourly, once however many wait; while Okta is away, what it said last goes on being used.
 */
export class Discovery {
  private readonly issuer: string;
  private readonly timeoutMs: number;
  private known: { readonly metadata: Metadata; readonly until: number } | null = null;
  private asking: Promise<Metadata> | null = null;

  constructor(issuer: string, timeoutMs: number = OKTA_TIMEOUT_MS) {
    this.issuer = issuer;
    this.timeoutMs = timeoutMs;
  }

  /** Throws `okta_unavailable`. */
  async metadata(): Promise<Metadata> {
    if (this.known && Date.now() < this.known.until) return this.known.metadata;
    try {
      this.asking ??= this.ask().finally(() => (this.asking = null));
      return await this.asking;
    } catch (error) {
      if (this.known) return this.known.metadata;
      throw error;
    }
  }

  private async ask(): Promise<Metadata> {
    const answer = await callOkta(
      `${this.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
      this.timeoutMs,
    );
    refuseUnavailable(answer);
    const { status, body } = answer;
    const parsed = Metadata.safeParse(body);
    if (status !== 200 || !parsed.success) throw unusable(`discovery answered ${status}`, parsed.error);
    const metadata = parsed.data;
    // Exactly: another issuer, even by a slash, would be another person's key (section 4.3).
    if (metadata.issuer !== this.issuer) {
      throw unusable(`OKTA_ISSUER_URI is ${this.issuer}, but Okta calls itself ${metadata.issuer}`);
    }
    const downgraded = Object.values(metadata).some((url) => !url.startsWith('https:'));
    if (this.issuer.startsWith('https:') && downgraded) throw unusable('an endpoint is not behind https');
    this.known = { metadata, until: Date.now() + KEEP_MS };
    return metadata;
  }
}

const unusable = (reason: string, cause?: unknown) =>
  new FoyerError('okta_unavailable', undefined, { cause: new Error(reason, { cause }) });
