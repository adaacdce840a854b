import { Module } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { toPlainError, type GatewayConfig, type KnownIssuer, type Logger } from '@foyer/platform';
import { SigningKeys } from '../okta/signing-keys.ts';
import { API_ISSUER } from '../okta/tokens.ts';
import { CONFIG, LOGGER } from '../context.ts';
import { SessionsModule } from '../sessions/sessions.module.ts';
import { AccessTokens, keyRules } from './access-tokens.ts';
import { AccessGuard } from './access.guard.ts';
import { StandingSession } from './standing-session.ts';

/** Authentication and authorization of API callers. */
@Module({
  imports: [SessionsModule],
  providers: [
    {
      provide: AccessTokens,
      inject: [CONFIG, LOGGER, API_ISSUER],
      useFactory: ({ OKTA_API_AUDIENCE: audience }: GatewayConfig, logger: Logger, issuer: KnownIssuer) => {
        const onError = (error: unknown) =>
          logger.warn({ event: 'okta-keys-failed', issuer: issuer.uri, err: toPlainError(error) });
        const keys = new SigningKeys(issuer, { ...keyRules, onError });
        return new AccessTokens(keys, { issuer: issuer.uri, audience });
      },
    },
    AccessGuard,
    { provide: APP_INTERCEPTOR, useClass: StandingSession },
  ],
  exports: [AccessTokens, AccessGuard],
})
export class AccessModule {}
