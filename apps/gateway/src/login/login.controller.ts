import { Controller, Get, Header, Inject, Post, Req, Res, UseGuards } from '@nestjs/common';
import type { Issuer, SignInMetadata } from '@foyer/platform';
import type { Request, Response } from 'express';
import { IntakeService, type Admitted } from '../intake/intake.service.ts';
import { SIGN_IN_ISSUER } from '../okta/tokens.ts';
import { CALL_LOG, CONFIG, type ProcessContext, type TenantContext } from '../context.ts';
import { signedOut } from '../sessions/signed-out.ts';
import { Sessions } from '../sessions/sessions.ts';
import { CallbackGuard, LoginGuard } from './login.guards.ts';
import { SignInRecord } from './sign-in-record.ts';
import type { Verified } from './sign-in.ts';
import { Trail } from './trail.ts';

/** The longest that a browser waits for its Box account before it gets the progress page, in milliseconds. */
const WAIT_MS = 2_000;

/** Sign-in and sign-out of browsers. */
@Controller()
export class LoginController {
  constructor(
    private readonly intake: IntakeService,
    private readonly sessions: Sessions,
    private readonly record: SignInRecord,
    @Inject(SIGN_IN_ISSUER) private readonly issuer: Issuer<SignInMetadata>,
    @Inject(CONFIG) private readonly config: ProcessContext['config'],
    @Inject(CALL_LOG) private readonly calls: TenantContext['callLog'],
  ) {}

  @Get('login')
  @UseGuards(LoginGuard)
  login(): never {
    throw new Error('the guard answers with a redirect, and never gets here');
  }

  /** Responds with a redirect, so that reloading the next page does not repeat the sign-in. */
  @Get('authorization-code/callback')
  @UseGuards(CallbackGuard)
  @Header('cache-control', 'no-store')
  async callback(@Req() req: Request & { user: Verified }, @Res() res: Response): Promise<void> {
    const { person, isEmailVerified, idToken, returnTo } = req.user;
    const trail = req.trail ?? new Trail(this.calls);
    try {
      // The calls to Okta must be on record before the person is signed in or anything is written.
      await trail.settled();
      const change = this.record.change(req, trail);
      const admission = await this.intake.admit(person, 'sign-in', change, undefined, { isEmailVerified });
      const requestId = admission.kind === 'requested' ? admission.requestId : null;
      const { id: identityId, sessionEpoch: epoch } = admission.identity;
      if (!change.isCommitted) await this.record.unchanged(req, trail, identityId);
      this.record.accepted();
      await this.sessions.begin(req, { identityId, epoch, name: nameOf(admission), idToken, requestId });
      if (requestId !== null) await this.intake.untilFinal(requestId, WAIT_MS);
    } catch (error) {
      throw await this.record.refused(req, trail, error);
    }
    res.redirect(303, new URL(returnTo, this.config.FOYER_BASE_URL).href);
  }

  /**
   * Ends our session, then Okta's (OpenID Connect RP-Initiated Logout 1.0). Our session ends even when Okta cannot be
   * reached.
   */
  @Post('logout')
  async logout(@Req() req: Request, @Res() res: Response): Promise<void> {
    const { idToken } = req.session;
    await this.sessions.end(req, res);
    res.redirect(303, await this.afterLogout(idToken));
  }

  private async afterLogout(idToken: string | undefined): Promise<string> {
    const home = `${this.config.FOYER_BASE_URL}/`;
    const metadata = idToken === undefined ? null : await this.issuer.metadata().catch(() => null);
    if (idToken === undefined || metadata?.end_session_endpoint === undefined)
      return `${home}?state=${signedOut.here}`;
    const url = new URL(metadata.end_session_endpoint);
    url.searchParams.set('id_token_hint', idToken);
    url.searchParams.set('post_logout_redirect_uri', home);
    url.searchParams.set('state', signedOut.everywhere);
    return url.href;
  }
}

const nameOf = ({ identity }: Admitted): string => identity.name || identity.username;
