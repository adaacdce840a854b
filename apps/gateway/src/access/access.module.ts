import { Module } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { toPlainError, type GatewayConfig, type Logger } from '@foyer/platform';
import { CONFIG, LOGGER } from '../parts.ts';
import { SessionsModule } from '../sessions/sessions.module.ts';
import { AccessTokens } from './access-tokens.ts';
import { AccessGuard } from './access.guard.ts';
import { StandingSession } from './standing-session.ts';
import { OktaKeys } from './okta-keys.ts';

/** Who asks, and whether they may. */
@Module({
  imports: [SessionsModule],
  providers: [
    {
      provide: AccessTokens,
      inject: [CONFIG, LOGGER],
      useFactory: (
        { OKTA_API_ISSUER_URI: issuer, OKTA_API_AUDIENCE: audience }: GatewayConfig,
        logger: Logger,
      ) => {
        const onError = (error: unknown) =>
          logger.warn({ event: 'okta-keys-failed', issuer, err: toPlainError(error) });
        return new AccessTokens(new OktaKeys(issuer, onError), { issuer, audience });
      },
    },
    AccessGuard,
    { provide: APP_INTERCEPTOR, useClass: StandingSession },
  ],
  exports: [AccessTokens, AccessGuard],
})
export class AccessModule {}
