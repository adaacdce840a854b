import { randomUUID } from 'node:crypto';
import { Module } from '@nestjs/common';
import passport from 'passport';
import { IntakeModule } from '../intake/intake.module.ts';
import { CONFIG, type Parts } from '../parts.ts';
import { SessionsModule } from '../sessions/sessions.module.ts';
import { Attempts } from './attempts.ts';
import { Discovery } from './discovery.ts';
import { LoginController } from './login.controller.ts';
import { BackGuard, OutGuard, STRATEGY } from './login.guards.ts';
import { OktaClient } from './okta-client.ts';
import { OktaStrategy } from './okta.strategy.ts';
import { SignInLimit } from './sign-in-limit.ts';
import { SignInRecord } from './sign-in-record.ts';
import { SignIn } from './sign-in.ts';

type Config = Parts['config'];

/** Registers the strategy under a name of its own, and gives the name: two apps in one process must not share one. */
function registerStrategy(config: Config, attempts: Attempts, discovery: Discovery): string {
  const { OKTA_ISSUER_URI: issuer, OKTA_CLIENT_ID: clientId, OKTA_CLIENT_SECRET: clientSecret } = config;
  // From the configuration, never from the request: it must be the one registered at Okta, both times.
  const redirectUri = `${config.FOYER_BASE_URL}/authorization-code/callback`;
  const signIn = new SignIn(
    clientId,
    attempts,
    discovery,
    new OktaClient({ clientId, clientSecret, redirectUri }),
  );
  const name = `okta ${randomUUID()}`;
  passport.use(
    name,
    new OktaStrategy({ issuer, clientId, clientSecret, redirectUri }, attempts, discovery, signIn),
  );
  return name;
}

@Module({
  imports: [IntakeModule, SessionsModule],
  controllers: [LoginController],
  providers: [
    Attempts,
    SignInLimit,
    SignInRecord,
    OutGuard,
    BackGuard,
    {
      provide: Discovery,
      inject: [CONFIG],
      useFactory: (config: Config) => new Discovery(config.OKTA_ISSUER_URI),
    },
    { provide: STRATEGY, inject: [CONFIG, Attempts, Discovery], useFactory: registerStrategy },
  ],
})
export class LoginModule {}
