import { Inject, Injectable } from '@nestjs/common';
import { isScimToken, ScimTokens } from '@foyer/persistence';
import { toPlainError } from '@foyer/platform';
import { FoyerError } from '@foyer/shared';
import type { NextFunction, Request, Response } from 'express';
import { AccessTokens } from '../../access/access-tokens.ts';
import { challengeOf } from '../../access/challenge.ts';
import { AddressLimit } from '../../http/address-limit.ts';
import { CONFIG, DATABASE, type Parts } from '../../parts.ts';
import type { ScimClient } from './scim-client.ts';

const REALM = 'foyer-scim';
/** What an Okta access token needs here. */
const SCOPE = 'foyer.scim';
const WRONG_TOKENS_PER_MINUTE = 20;

/** `Bearer` and one token, RFC 6750, section 2.1. */
const BEARER = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i;

/**
 * Who may speak SCIM: a client with one of the tenant's SCIM tokens, or with an Okta access token for it. Stands before the
 * bodies are read, so that strangers send none; looks at nothing but the Authorization header.
 */
@Injectable()
export class ScimDoor {
  private readonly tenant: string;
  private readonly wrongTokens: AddressLimit;

  constructor(
    private readonly scimTokens: ScimTokens,
    private readonly accessTokens: AccessTokens,
    @Inject(CONFIG) config: Parts['config'],
    @Inject(DATABASE) database: Parts['database'],
  ) {
    this.tenant = config.FOYER_TENANT;
    this.wrongTokens = new AddressLimit('scim-token', WRONG_TOKENS_PER_MINUTE, { config, database });
  }

  /** Sets `req.scimClient`, or fails with what the error filter makes an answer of. */
  readonly enter = async (req: Request, res: Response, next: NextFunction): Promise<void> => {
    // What is behind here is for one client only.
    res.setHeader('Cache-Control', 'private, no-store');
    res.setHeader('Vary', 'Authorization');
    try {
      req.scimClient = await this.identify(req);
      // Said to those only who may know which tenants there are.
      const { tenant = this.tenant } = req.params;
      if (tenant !== this.tenant) throw new FoyerError('not_found', 'This tenant is not served here.');
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
        'There must be one Authorization header: Bearer, then the token.',
      );
    }
    return isScimToken(token) ? this.byScimToken(token, req) : this.byAccessToken(token, req);
  }

  private async byScimToken(token: string, req: Request): Promise<ScimClient> {
    const found = await this.scimTokens.find(token);
    if (found === null) {
      await this.wrongTokens.count(req);
      throw new FoyerError('invalid_token', 'It is not known here.');
    }
    // Nobody guesses these: who has one is told why it is of no use, so that it can be replaced.
    if (found.state === 'expired') throw new FoyerError('invalid_token', 'It has expired.');
    if (found.state === 'revoked') throw new FoyerError('invalid_token', 'It was revoked.');
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

  /** Nobody waits for it, and a client is not refused for it. */
  private noteUse(id: string, { log }: Request): void {
    this.scimTokens
      .noteUse(id)
      .catch((error: unknown) => log.warn({ event: 'scim-token-use-lost', err: toPlainError(error) }));
  }
}
