import { randomUUID } from 'node:crypto';
import { Module } from '@nestjs/common';
import type { Issuer, SignInMetadata } from '@foyer/platform';
import passport from 'passport';
import { IntakeModule } from '../intake/intake.module.ts';
import { SigningKeys } from '../okta/signing-keys.ts';
import { SIGN_IN_ISSUER } from '../okta/tokens.ts';
import { CONFIG, type ProcessContext } from '../context.ts';
import { SessionsModule } from '../sessions/sessions.module.ts';
import { Attempts } from './attempts.ts';
import { LoginController } from './login.controller.ts';
import { CallbackGuard, LoginGuard, STRATEGY } from './login.guards.ts';
import { OktaClient } from './okta-client.ts';
import { OktaStrategy } from './okta.strategy.ts';
import { SignInLimit } from './sign-in-limit.ts';
import { SignInRecord } from './sign-in-record.ts';
import { SignIn } from './sign-in.ts';

type Config = ProcessContext['config'];

/** An ID token comes from the provider itself, so its key id cannot be invented, and a person waits for it. */
const keyRules = { looksPerMinute: 60, patienceMs: 1_000, pauseMs: 0 } as const;

/** Registers the strategy under a unique name and returns the name: two apps in one process must not share one. */
function registerStrategy(config: Config, attempts: Attempts, issuer: Issuer<SignInMetadata>): string {
  const { OKTA_CLIENT_ID: clientId, OKTA_CLIENT_SECRET: clientSecret } = config;
  // From the configuration, never from the request: both steps must send the address that is registered at Okta.
  const redirectUri = `${config.FOYER_BASE_URL}/authorization-code/callback`;
  const onClock = issuer.noteClock.bind(issuer);
  const signIn = new SignIn(
    clientId,
    attempts,
    issuer,
    new SigningKeys(issuer, keyRules),
    new OktaClient({ clientId, clientSecret, redirectUri, onClock }),
  );
  const name = `okta ${randomUUID()}`;
  passport.use(
    name,
    new OktaStrategy({ issuer: issuer.uri, clientId, clientSecret, redirectUri }, attempts, issuer, signIn),
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
    LoginGuard,
    CallbackGuard,
    { provide: STRATEGY, inject: [CONFIG, Attempts, SIGN_IN_ISSUER], useFactory: registerStrategy },
  ],
})
export class LoginModule {}
