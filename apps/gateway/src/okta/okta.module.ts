import { Global, Module } from '@nestjs/common';
import { apiIssuer, signInIssuer, type GatewayConfig } from '@foyer/platform';
import { CONFIG } from '../context.ts';
import { IssuerWatch } from './issuer-watch.ts';
import { API_ISSUER, SIGN_IN_ISSUER } from './tokens.ts';

/** How often the API's issuer is asked while it fails, in milliseconds: each call with an access token may need it. */
const PAUSE_MS = 1_000;

/** The OpenID providers that the gateway trusts, and what is known about them. */
@Global()
@Module({
  providers: [
    {
      provide: SIGN_IN_ISSUER,
      inject: [CONFIG],
      useFactory: ({ OKTA_ISSUER_URI: issuer }: GatewayConfig) => signInIssuer(issuer),
    },
    {
      provide: API_ISSUER,
      inject: [CONFIG],
      useFactory: ({ OKTA_API_ISSUER_URI: issuer, OKTA_ISSUER_URI: signIn }: GatewayConfig) =>
        apiIssuer(issuer, signIn, { pauseMs: PAUSE_MS }),
    },
    IssuerWatch,
  ],
  exports: [SIGN_IN_ISSUER, API_ISSUER, IssuerWatch],
})
export class OktaModule {}
