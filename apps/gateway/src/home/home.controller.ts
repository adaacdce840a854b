import { Controller, Get, Header, Inject, Post, Req, Res } from '@nestjs/common';
import { Identities, Requests } from '@foyer/persistence';
import { FoyerError, isFinal, type Identity, type ProvisioningRequest } from '@foyer/shared';
import type { Request, Response } from 'express';
import { IntakeService } from '../intake/intake.service.ts';
import { BOX, type Parts } from '../parts.ts';
import { Sessions } from '../sessions/sessions.ts';
import type { Files } from './pages.ts';
import { failedPage, progressPage, signedInPage, signedOutPage } from './pages.ts';

/** A page shows this many files; the API has the rest. */
const FILES_SHOWN = 100;
/** A slow Box must not hold the page up for longer, in milliseconds. */
const FILES_WAIT_MS = 3_000;
const RETRY_WAIT_MS = 2_000;

/** The pages of a person at the door. */
@Controller()
export class HomeController {
  constructor(
    private readonly identities: Identities,
    private readonly requests: Requests,
    private readonly intake: IntakeService,
    private readonly sessions: Sessions,
    @Inject(BOX) private readonly box: Parts['box'],
  ) {}

  @Get()
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('cache-control', 'no-store')
  async home(@Req() req: Request, @Res({ passthrough: true }) res: Response): Promise<string> {
    const { identityId, name = '', csrfToken, requestId = null } = req.session;
    if (identityId === undefined) return signedOutPage();
    const [identity, newest] = await Promise.all([
      this.identities.find(identityId),
      requestId === null ? null : this.requests.newest(identityId),
    ]);
    if (identity?.active !== true) {
      await this.sessions.end(req, res);
      throw new FoyerError('identity_deactivated');
    }
    const csrf = csrfToken ?? '';
    if (newest !== null && !isFinal(newest.status)) return progressPage({ name, csrf, request: newest });
    if (newest?.status === 'failed') return failedPage({ name, csrf, request: newest });
    return this.signedIn(req, {
      name,
      csrf,
      identity,
      isNew: newest !== null && madeHere(newest, requestId),
    });
  }

  /** Another try for whoever is signed in; anybody else's request is not found. */
  @Post('retry')
  async retry(@Req() req: Request, @Res() res: Response): Promise<void> {
    const { identityId } = req.session;
    if (identityId === undefined) throw new FoyerError('unauthenticated');
    const newest = await this.requests.newest(identityId);
    if (newest?.status === 'failed') {
      const { requestId } = await this.intake.retry(newest.id, { identityId });
      req.session.requestId = requestId;
      await this.intake.untilFinal(requestId, RETRY_WAIT_MS);
    }
    res.redirect(303, '/');
  }

  private async signedIn(
    req: Request,
    { name, csrf, identity, isNew }: { name: string; csrf: string; identity: Identity; isNew: boolean },
  ): Promise<string> {
    const boxUserId = identity.boxAccount?.boxUserId ?? null;
    const files =
      boxUserId === null ? { kind: 'none' as const } : await this.files(req, identity.id, boxUserId);
    return signedInPage({ name, csrf, isNew, boxUserId, files });
  }

  /** What Box does not give is said on the page: it must not cost the page. */
  private async files(req: Request, identityId: string, boxUserId: string): Promise<Files> {
    const listing = this.box.listFolder(
      { requestId: null, identityId, lease: null },
      { boxUserId, folderId: '0', limit: FILES_SHOWN },
    );
    try {
      const result = await within(FILES_WAIT_MS, listing);
      if (result?.ok === true)
        return { kind: 'listed', items: result.value.items, more: result.value.nextMarker !== null };
      req.log.warn({ event: 'files-failed', code: result?.fault.code ?? 'slow' });
    } catch (error) {
      req.log.warn({ event: 'files-failed', err: error });
    }
    return { kind: 'unavailable' };
  }
}

/** True when this sign-in, or a retry of what it asked for, made the Box user. */
const madeHere = ({ id, retryOf, outcome }: ProvisioningRequest, requestId: string | null): boolean =>
  outcome === 'created' && (id === requestId || retryOf === requestId);

/** Null when it takes longer than `limitMs`. */
async function within<T>(limitMs: number, work: Promise<T>): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, limitMs, null);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
