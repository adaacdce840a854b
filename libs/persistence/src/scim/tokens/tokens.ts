import { PrismaCallLog } from '../../call-log/call-log.ts';
import type { Database } from '../../database/database.ts';
import { run, statement } from '../../database/statement.ts';
import { transaction, type Transaction } from '../../database/transaction.ts';
import type { TokenChanges } from '../../requests/request-watch.ts';
import { TokenCache } from './token-cache.ts';
import { hashOfScimToken, hintOfScimToken, newScimToken } from './token-text.ts';

export type ScimTokenState = 'active' | 'expired' | 'revoked';

/** A token as operators see it, without the token itself. */
export interface ScimToken {
  readonly id: string;
  readonly name: string;
  /** Its last four characters. */
  readonly hint: string;
  readonly state: ScimTokenState;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  /** Accurate to the minute. */
  readonly lastUsedAt: Date | null;
  readonly revokedAt: Date | null;
}

/** What is known of a presented token. */
export interface PresentedScimToken {
  readonly id: string;
  readonly name: string;
  readonly state: ScimTokenState;
  /** False when no use was recorded in the last minute, so that this one must be. */
  readonly isUseNoted: boolean;
  /** How long it is still valid; negative once it has expired. */
  readonly secondsLeft: number;
}

/** A token that is not revoked, and how long it is still valid. */
export interface StandingScimToken {
  readonly name: string;
  readonly hint: string;
  readonly expiresAt: Date;
  /** Negative once it has expired. */
  readonly secondsLeft: number;
  /** True when a token that was made later is active. */
  readonly hasSuccessor: boolean;
}

const DAY_HOURS = 24;

/** The earlier event counts: a token that expired and was revoked later is expired. */
const state = `CASE WHEN revoked_at < expires_at THEN 'revoked'
  WHEN revoked_at IS NOT NULL OR expires_at <= clock_timestamp() THEN 'expired' ELSE 'active' END AS state`;
const columns = `id, name, hint, ${state}, created_at AS "createdAt", expires_at AS "expiresAt",
  last_used_at AS "lastUsedAt", revoked_at AS "revokedAt"`;

const find = statement<'tenant' | 'hash'>(
  'scim-token-find',
  `SELECT id, name, ${state}, coalesce(last_used_at > clock_timestamp() - interval '1 minute', false) AS "isUseNoted",
     extract(epoch FROM expires_at - clock_timestamp())::float8 AS "secondsLeft"
   FROM scim_token WHERE hash = decode($hash, 'hex') AND tenant_id = $tenant::uuid`,
);
const noteUse = statement<'id'>(
  'scim-token-use',
  `UPDATE scim_token SET last_used_at = clock_timestamp()
   WHERE id = $id::uuid AND (last_used_at IS NULL OR last_used_at <= clock_timestamp() - interval '1 minute')`,
);
const list = statement<'tenant'>(
  'scim-token-list',
  `SELECT ${columns} FROM scim_token WHERE tenant_id = $tenant::uuid ORDER BY created_at DESC, id DESC`,
);
const standing = statement<'tenant'>(
  'scim-token-standing',
  `SELECT name, hint, expires_at AS "expiresAt",
     extract(epoch FROM expires_at - clock_timestamp())::float8 AS "secondsLeft",
     EXISTS (
       SELECT FROM scim_token n WHERE n.tenant_id = t.tenant_id AND n.created_at > t.created_at
         AND n.revoked_at IS NULL AND n.expires_at > clock_timestamp()
     ) AS "hasSuccessor"
   FROM scim_token t WHERE tenant_id = $tenant::uuid AND revoked_at IS NULL ORDER BY expires_at, name`,
);
const retireExpired = statement<'tenant' | 'name'>(
  'scim-token-retire',
  `UPDATE scim_token SET revoked_at = clock_timestamp()
   WHERE tenant_id = $tenant::uuid AND name = $name AND revoked_at IS NULL AND expires_at <= clock_timestamp()`,
);
const insert = statement<'tenant' | 'name' | 'hash' | 'hint' | 'hours'>(
  'scim-token-insert',
  `INSERT INTO scim_token (tenant_id, name, hash, hint, expires_at)
   VALUES ($tenant::uuid, $name, decode($hash, 'hex'), $hint, clock_timestamp() + make_interval(hours => $hours::int))
   ON CONFLICT (tenant_id, name) WHERE revoked_at IS NULL DO NOTHING RETURNING ${columns}`,
);
const revoke = statement<'tenant' | 'which'>(
  'scim-token-revoke',
  `UPDATE scim_token SET revoked_at = clock_timestamp()
   WHERE tenant_id = $tenant::uuid AND (name = $which OR id::text = lower($which)) AND revoked_at IS NULL
   RETURNING ${columns}`,
);
const newestOf = statement<'tenant' | 'which'>(
  'scim-token-newest',
  `SELECT ${columns} FROM scim_token WHERE tenant_id = $tenant::uuid AND (name = $which OR id::text = lower($which))
   ORDER BY created_at DESC, id DESC LIMIT 1`,
);

/** A use that is not recorded yet is recorded by whoever looks the token up. */
const isKept = ({ state, isUseNoted }: PresentedScimToken): boolean => state === 'active' && isUseNoted;

/**
 * The bearer tokens of one tenant's SCIM clients. Several may be active at once, each under its own name, so that they
 * can be rotated.
 */
export class ScimTokens {
  private readonly database: Database;
  private readonly tenantId: string;
  private readonly cache: TokenCache<PresentedScimToken> | null;

  /** With `changes`, tokens that were found lately are kept for a moment. */
  constructor(database: Database, tenantId: string, changes: TokenChanges | null = null) {
    this.database = database;
    this.tenantId = tenantId;
    this.cache = changes === null ? null : new TokenCache(changes);
  }

  /**
   * Creates a token that is valid for `days` of 24 hours, and returns it this once. Null when an active token has the
   * name; an expired one is replaced. Recorded as done by `actor`.
   */
  create(
    { name, days }: { readonly name: string; readonly days: number },
    actor: string,
  ): Promise<{ readonly token: string; readonly made: ScimToken } | null> {
    const token = newScimToken();
    const values = {
      tenant: this.tenantId,
      name,
      hash: hashOfScimToken(token),
      hint: hintOfScimToken(token),
      hours: days * DAY_HOURS,
    };
    return transaction(this.database, async (tx) => {
      await run({ tx }, retireExpired, values);
      const [made] = await run<ScimToken>({ tx }, insert, values);
      if (made === undefined) return null;
      await this.record(tx, 'create_scim_token', actor, made);
      return { token, made };
    });
  }

  /** All tokens, newest first. */
  list(): Promise<ScimToken[]> {
    return run<ScimToken>(this.database, list, { tenant: this.tenantId });
  }

  /**
   * Revokes a token from the next call on. `isNew` is false when it was already revoked; null when no token has this
   * name or id.
   */
  async revoke(nameOrId: string, actor: string): Promise<{ token: ScimToken; isNew: boolean } | null> {
    const values = { tenant: this.tenantId, which: nameOrId };
    const done = await transaction(this.database, async (tx) => {
      const [revoked] = await run<ScimToken>({ tx }, revoke, values);
      if (revoked !== undefined) {
        await this.record(tx, 'revoke_scim_token', actor, revoked);
        return { token: revoked, isNew: true };
      }
      const [before] = await run<ScimToken>({ tx }, newestOf, values);
      return before === undefined ? null : { token: before, isNew: false };
    });
    // The notification reaches this process, too, but later.
    this.cache?.empty();
    return done;
  }

  /**
   * Looks a token up by its hash, so that the time taken reveals nothing about other tokens. Null for a token that this
   * tenant never had.
   */
  async find(token: string): Promise<PresentedScimToken | null> {
    const hash = hashOfScimToken(token);
    const values = { tenant: this.tenantId, hash };
    const read = async () => (await run<PresentedScimToken>(this.database, find, values))[0];
    const found = await (this.cache === null ? read() : this.cache.find(hash, read, isKept));
    return found ?? null;
  }

  /** Records a use, at most once a minute. */
  async noteUse(id: string): Promise<void> {
    await run(this.database, noteUse, { id });
  }

  /** The tokens that are not revoked, ordered by expiry. */
  standing(): Promise<StandingScimToken[]> {
    return run<StandingScimToken>(this.database, standing, { tenant: this.tenantId });
  }

  private async record(
    tx: Transaction,
    operation: string,
    actor: string,
    { id, name, hint, expiresAt }: ScimToken,
  ): Promise<void> {
    await new PrismaCallLog({ tx }, this.tenantId, 0).record(
      { requestId: null, identityId: null, lease: null },
      {
        direction: 'in',
        system: 'foyer',
        operation,
        method: 'RUN',
        path: 'scim-token',
        actor,
        parameters: { tokenId: id, name, hint, expiresAt: expiresAt.toISOString() },
      },
      { result: 'ok', status: null, error: null, answer: null, durationMs: 0 },
    );
  }
}
