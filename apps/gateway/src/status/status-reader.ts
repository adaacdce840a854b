import { HttpStatus, Injectable } from '@nestjs/common';
import { Requests, RequestVersions, type RequestVersion, type Scope } from '@foyer/persistence';
import { FoyerError, isFinal, type ProvisioningRequest } from '@foyer/shared';
import type { Request, Response } from 'express';
import { callerOf as countedAs } from '../access/principal.ts';
import { Sessions } from '../sessions/sessions.ts';
import { retryAfterSeconds, toEntityTag, unlessMatching, waitPreference } from './conditional.ts';
import { Holding } from './holding.ts';

/**
 * Serves clients that follow a request: with 304 from its version alone while nothing changed, held back when they ask
 * for it.
 */
@Injectable()
export class StatusReader {
  constructor(
    private readonly requests: Requests,
    private readonly versions: RequestVersions,
    private readonly holding: Holding,
    private readonly sessions: Sessions,
  ) {}

  /** Returns the request; undefined once the response is 304. Throws `not_found` outside the scope. */
  async read(
    id: string,
    scope: Scope,
    req: Request,
    res: Response,
  ): Promise<ProvisioningRequest | undefined> {
    const matching = unlessMatching(req.headers['if-none-match']);
    const wait = this.holding.isOpenTo(callerOf(req)) ? waitPreference(req.headers.prefer) : null;
    if (matching !== null || wait !== null) {
      const version = await this.version(id, scope, wait, matching, req, res);
      if (version === null) throw new FoyerError('not_found');
      if (matching?.(version.version)) {
        describe(res, version);
        res.status(HttpStatus.NOT_MODIFIED);
        return undefined;
      }
    }
    const found = await this.requests.find(id, scope);
    if (found === null) throw new FoyerError('not_found');
    describe(res, { version: found.version, ...found.request });
    return found.request;
  }

  private async version(
    id: string,
    scope: Scope,
    wait: number | null,
    matching: ((version: number) => boolean) | null,
    req: Request,
    res: Response,
  ): Promise<RequestVersion | null> {
    if (wait === null) return this.versions.find(id, scope);
    res.setHeader('Preference-Applied', `wait=${wait}`);
    return this.holding.version(id, scope, {
      timeoutMs: wait * 1000,
      caller: callerOf(req),
      place: req.place,
      worthTelling: (now, first) =>
        isFinal(now.status) || (matching === null ? now.version !== first.version : !matching(now.version)),
      mayKnow: async () => req.principal?.kind !== 'session' || this.sessions.isStanding(req),
      onGone: (leave) => {
        res.once('close', leave);
        return () => res.off('close', leave);
      },
    });
  }
}

function describe(
  res: Response,
  {
    version,
    status,
    nextAttemptAt,
  }: Pick<RequestVersion, 'version' | 'status'> & { nextAttemptAt: Date | string | null },
): void {
  res.setHeader('ETag', toEntityTag(version));
  // Clients may store the response, but must revalidate it each time.
  res.setHeader('Cache-Control', 'private, no-cache');
  res.vary('Prefer');
  if (!isFinal(status)) res.setHeader('Retry-After', String(retryAfterSeconds(nextAttemptAt)));
}

/** The key under which held responses are counted. */
function callerOf({ principal }: Request): string {
  if (principal === undefined) return '';
  const { kind, id } = countedAs(principal);
  return `${kind} ${id}`;
}
