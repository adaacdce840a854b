import { Inject, Injectable } from '@nestjs/common';
import { isScimToken, ScimTokens } from '@foyer/persistence';
import { toPlainError } from '@foyer/platform';
import { FoyerError } from '@foyer/shared';
import type { NextFunction, Request, Response } from 'express';
import { AccessTokens } from '../../access/access-tokens.ts';
import { challengeOf } from '../../access/challenge.ts';
import { AddressLimit } from '../../limits/address-limit.ts';
import { CONFIG, DATABASE, type ProcessContext } from '../../context.ts';
import type { ScimClient } from './scim-client.ts';

const REALM = 'foyer-scim';
/** The scope that an Okta access token needs here. */
const SCOPE = 'foyer.scim';
const WRONG_TOKENS_PER_MINUTE = 20;

/** `Bearer` and one token (RFC 6750, section 2.1). */
const BEARER = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i;

/**
 * Authenticates SCIM clients by one of the tenant's SCIM tokens or by an Okta access token. It runs before bodies are
 * read, so that unauthenticated clients cannot send any, and it looks at the Authorization header only.
 */
@Injectable()
export class ScimAuthenticator {
  private readonly tenant: string;
  private readonly wrongTokens: AddressLimit;

  constructor(
    private readonly scimTokens: ScimTokens,
    private readonly accessTokens: AccessTokens,
    @Inject(CONFIG) config: ProcessContext['config'],
    @Inject(DATABASE) database: ProcessContext['database'],
  ) {
    this.tenant = config.FOYER_TENANT;
    this.wrongTokens = new AddressLimit('scim-token', WRONG_TOKENS_PER_MINUTE, { config, database });
  }

  /** Sets `req.scimClient`, or passes an error to the error filter. */
  readonly authenticate = async (req: Request, res: Response, next: NextFunction): Promise<void> => {
    // The response is for one client only, so no cache may share it.
    res.setHeader('Cache-Control', 'private, no-store');
    res.setHeader('Vary', 'Authorization');
    try {
      req.scimClient = await this.identify(req);
      // Only an authenticated client may learn which tenants exist.
      const { tenant = this.tenant } = req.params;
      if (tenant !== this.tenant)
        throw new FoyerError('not_found', 'This process does not serve this tenant.');
    } catch (error) {
      const challenge = challengeOf(error, REALM, SCOPE);
      if (challenge !== null) res.setHeader('WWW-Authenticate', challenge);
      next(error);
      return;
    }
    next();
  };

  private async identify(req: Request): Promise<ScimClient> {
    const { authorization: given = [] } = req.headersDistinct;
    const [, token] = (given.length === 1 && BEARER.exec(given[0]!)) || [];
    if (token === undefined) {
      throw new FoyerError(
        'unauthenticated',
        'Send exactly one Authorization header: the word Bearer, then the token.',
      );
    }
    return isScimToken(token) ? this.byScimToken(token, req) : this.byAccessToken(token, req);
  }

  private async byScimToken(token: string, req: Request): Promise<ScimClient> {
    const found = await this.scimTokens.find(token);
    if (found === null) {
      await this.wrongTokens.count(req);
      throw new FoyerError('invalid_token', 'The token is not known.');
    }
    // These tokens cannot be guessed, so their owner may learn why one fails, and replace it.
    if (found.state === 'expired') throw new FoyerError('invalid_token', 'The token has expired.');
    if (found.state === 'revoked') throw new FoyerError('invalid_token', 'The token was revoked.');
    if (!found.isUseNoted) this.noteUse(found.id, req);
    return { actor: `scim-token:${found.name}` };
  }

  private async byAccessToken(token: string, req: Request): Promise<ScimClient> {
    const { clientId, scopes } = await this.accessTokens.verify(token).catch(async (error: unknown) => {
      if (error instanceof FoyerError && error.code === 'invalid_token') await this.wrongTokens.count(req);
      throw error;
    });
    if (!scopes.has(SCOPE))
      throw new FoyerError('insufficient_scope', `The access token needs the scope ${SCOPE}.`);
    return { actor: clientId };
  }

  /** The request does not wait for this write, and does not fail with it. */
  private noteUse(id: string, { log }: Request): void {
    this.scimTokens
      .noteUse(id)
      .catch((error: unknown) => log.warn({ event: 'scim-token-use-lost', err: toPlainError(error) }));
  }
}
