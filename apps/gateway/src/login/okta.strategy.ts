import { createHash, randomBytes } from 'node:crypto';
import type { Issuer, SignInMetadata } from '@foyer/platform';
import type { Request } from 'express';
import OpenIdConnectStrategy from 'passport-openidconnect';
import { z } from 'zod';
import type { Attempts } from './attempts.ts';
import type { SignIn } from './sign-in.ts';
import type { Trail } from './trail.ts';

export interface OktaStrategyOptions {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly redirectUri: string;
}

/** The step of the flow that a guard asks for: redirect the browser to Okta, or complete its return. */
export type FlowStep =
  | { readonly step: 'out'; readonly returnTo: string; readonly prompt: 'login' | undefined }
  | { readonly step: 'back'; readonly trail: Trail };

const Outbound = z.object({ returnTo: z.string(), verifier: z.string() });

/**
 * passport-openidconnect with what it lacks. Its authorization request gains discovery, PKCE (RFC 7636, S256) and a
 * state per attempt; its callback, which accepts errors before it checks the state and tokens without their signature,
 * is replaced.
 *
 * passport calls `authenticate` on an object of its own for each request, whose prototype is this one: it is safe to
 * write to `this`, and #private fields would not be found.
 */
export class OktaStrategy extends OpenIdConnectStrategy {
  private readonly metadata: Issuer<SignInMetadata>;
  private readonly signIn: SignIn;

  constructor(
    { issuer, clientId, clientSecret, redirectUri }: OktaStrategyOptions,
    attempts: Attempts,
    metadata: Issuer<SignInMetadata>,
    signIn: SignIn,
  ) {
    const options = {
      issuer,
      // The base class requires addresses here; the real ones come from discovery at the first sign-in.
      authorizationURL: issuer,
      tokenURL: issuer,
      clientID: clientId,
      clientSecret,
      callbackURL: redirectUri,
      scope: ['profile', 'email'],
      nonce: true,
      store: storeIn(attempts),
    };
    super(options, () => {});
    this.metadata = metadata;
    this.signIn = signIn;
  }

  override authenticate(req: Request, options: FlowStep): void {
    const work =
      options.step === 'out' ? this.redirectToOkta(req, options) : this.acceptCallback(req, options.trail);
    work.catch((error: unknown) => this.error(error));
  }

  protected override authorizationParams({ state }: { state?: unknown }): Record<string, string> {
    const { verifier } = Outbound.parse(state);
    const challenge = createHash('sha256').update(verifier).digest('base64url');
    return { code_challenge: challenge, code_challenge_method: 'S256' };
  }

  private async redirectToOkta(
    req: Request,
    { returnTo, prompt }: Extract<FlowStep, { step: 'out' }>,
  ): Promise<void> {
    const { authorization_endpoint } = await this.metadata.metadata();
    this._oauth2 = { ...this._oauth2, _authorizeUrl: authorization_endpoint };
    const state = { returnTo, verifier: randomBytes(32).toString('base64url') };
    super.authenticate(req, { state, prompt });
  }

  private async acceptCallback(req: Request, trail: Trail): Promise<void> {
    this.success(await this.signIn.complete(req, req.res!, trail));
  }
}

const storeIn = (attempts: Attempts): ConstructorParameters<typeof OpenIdConnectStrategy>[0]['store'] => ({
  store(req, { nonce = '' }, appState, _meta, done) {
    attempts.begin(req, req.res!, { ...Outbound.parse(appState), nonce }).then(
      (handle) => done(null, handle),
      (error: unknown) => done(error),
    );
  },
});
