import { Controller, Get, Header, Inject, Post, Req, Res } from '@nestjs/common';
import { Identities, Requests } from '@foyer/persistence';
import { FoyerError, isFinal, type Identity, type ProvisioningRequest } from '@foyer/shared';
import type { Request, Response } from 'express';
import { changeOf } from '../access/call-notes.ts';
import { FilesService } from '../files/files.service.ts';
import { toFoyerError } from '../http/error.filter.ts';
import { IntakeService } from '../intake/intake.service.ts';
import { CONFIG, type ProcessContext } from '../context.ts';
import { Sessions } from '../sessions/sessions.ts';
import type { SignedIn } from '../http/pages/signed-in.ts';
import { signedInPage, signedOutPage, type Files } from './pages.ts';
import { failedPage, heldPage, missingPage, progressPage } from './unfinished-pages.ts';

/** The number of files on the page; the API returns the rest. */
const FILES_SHOWN = 100;
/** The longest wait for Box's list of files, in milliseconds. */
const FILES_WAIT_MS = 3_000;
const RETRY_WAIT_MS = 2_000;

/** The home page: sign-in, progress of the Box account, or the files. */
@Controller()
export class HomeController {
  constructor(
    private readonly identities: Identities,
    private readonly requests: Requests,
    private readonly intake: IntakeService,
    private readonly sessions: Sessions,
    private readonly filesOf: FilesService,
    @Inject(CONFIG) private readonly config: ProcessContext['config'],
  ) {}

  @Get()
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('cache-control', 'no-store')
  async home(@Req() req: Request, @Res({ passthrough: true }) res: Response): Promise<string> {
    const { identityId, name = '', csrfToken } = req.session;
    if (identityId === undefined) return signedOutPage(req.query['state']);
    const identity = await this.identities.find(identityId);
    if (identity?.active !== true) {
      await this.sessions.end(req, res);
      throw new FoyerError('identity_deactivated');
    }
    const page = await this.pageOf(req, { name, csrf: csrfToken ?? '' }, identity);
    // The session may have ended while Box answered; then nothing of the answer is shown.
    if (await this.sessions.isStanding(req)) return page;
    await this.sessions.end(req, res);
    return signedOutPage();
  }

  /** Retries the request of the signed-in person; the request of another person is not found. */
  @Post('retry')
  async retry(@Req() req: Request, @Res() res: Response): Promise<void> {
    const { identityId } = req.session;
    if (identityId === undefined) throw new FoyerError('unauthenticated');
    const newest = await this.requests.newest({ identityId });
    if (newest?.status === 'failed') {
      const change = changeOf(req, 303, () => ({
        operation: 'retry_provisioning_request',
        actor: `identity:${identityId}`,
        parameters: { id: newest.id },
      }));
      const { requestId } = await this.intake.retry(newest.id, change, { identityId });
      req.session.requestId = requestId;
      await this.intake.untilFinal(requestId, RETRY_WAIT_MS);
    }
    res.redirect(303, '/');
  }

  private async pageOf(req: Request, signedIn: SignedIn, identity: Identity): Promise<string> {
    const { id: identityId, boxAccount } = identity;
    const { requestId = null } = req.session;
    // The account may have been given up since the sign-in, so the newest request may have another cause than this
    // sign-in.
    const newest =
      requestId !== null || boxAccount === null ? await this.requests.newest({ identityId }) : null;
    return (
      this.unfinished(signedIn, identity, newest) ??
      this.files(req, signedIn, identity, newest !== null && madeHere(newest, requestId))
    );
  }

  /** The page of a person whose Box account is not ready; null when it is ready. */
  private unfinished(
    signedIn: SignedIn,
    { boxAccount }: Identity,
    newest: ProvisioningRequest | null,
  ): string | null {
    if (newest !== null && !isFinal(newest.status)) {
      if (newest.error?.code !== 'box_app_changed') return progressPage({ ...signedIn, request: newest });
      // A person with an account can use it while the held request waits.
      return boxAccount === null ? heldPage({ ...signedIn, request: newest }) : null;
    }
    if (boxAccount !== null && boxAccount.missingSince !== null) return this.missing(signedIn, boxAccount);
    // Since that request failed, the missing user may have been restored, or given up.
    if (newest?.status !== 'failed' || newest.error?.code === 'box_user_missing') return null;
    return failedPage({ ...signedIn, request: newest });
  }

  private missing(signedIn: SignedIn, { boxUserId }: { readonly boxUserId: string }): string {
    const isMadeAgain = this.config.RECREATE_DELETED === 'on-sign-in';
    return missingPage({ ...signedIn, boxUserId, isMadeAgain });
  }

  private async files(
    req: Request,
    signedIn: SignedIn,
    { id, boxAccount }: Identity,
    isNew: boolean,
  ): Promise<string> {
    if (boxAccount === null)
      return signedInPage({
        ...signedIn,
        isNew,
        boxUserId: null,
        files: { kind: 'unavailable', code: 'no_box_account', reference: req.reference },
      });
    const { boxUserId } = boxAccount;
    const files = await this.list(req, id, boxUserId);
    return files === 'missing'
      ? this.missing(signedIn, boxAccount)
      : signedInPage({ ...signedIn, isNew, boxUserId, files });
  }

  /** Lists the files. A failure of Box becomes a message on the page, and the page is still shown. */
  private async list(req: Request, identityId: string, boxUserId: string): Promise<Files | 'missing'> {
    const { reference } = req;
    try {
      const query = { folder: '0', limit: FILES_SHOWN };
      const listing = await within(FILES_WAIT_MS, this.filesOf.listOf({ identityId, boxUserId }, query));
      if (listing !== null) return { kind: 'listed', listing };
      req.log.warn({ event: 'files-failed', code: 'slow' });
      return { kind: 'unavailable', code: 'box_unavailable', reference };
    } catch (error) {
      const { code } = toFoyerError(error, req);
      req.log.warn({ event: 'files-failed', code, err: error });
      return code === 'box_user_missing' ? 'missing' : { kind: 'unavailable', code, reference };
    }
  }
}

/** True when this sign-in, or a retry of its request, created the Box user. */
const madeHere = ({ id, retryOf, outcome }: ProvisioningRequest, requestId: string | null): boolean =>
  outcome === 'created' && (id === requestId || retryOf === requestId);

/** Returns null when `work` takes longer than `limitMs`. */
async function within<T>(limitMs: number, work: Promise<T>): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, limitMs, null);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
