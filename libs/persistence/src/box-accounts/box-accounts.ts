import type { BoxApp, MappedAccount, RecordedChange } from '@foyer/provisioning';
import { changing } from '../call-log/change-record.ts';
import type { Database } from '../database/database.ts';
import { run, setStatement, statement, type SqlValue } from '../database/statement.ts';
import { boundValues, isBound, type BoundValue } from './box-app.ts';

const PAGE = 500;

/** No row: the tenant is bound to another app. */
const ours = `ours AS (SELECT t.id FROM tenant t WHERE t.id = $tenant::uuid AND ${isBound} FOR SHARE OF t)`;
const isTheAccount = 'a.tenant_id = ours.id AND a.identity_id = $id::uuid AND a.box_user_id = $box_user';
type AccountValue = 'tenant' | 'id' | 'box_user' | BoundValue;

const mark = statement<AccountValue>(
  'account-mark-missing',
  `WITH ${ours}
   UPDATE box_account a SET missing_since = clock_timestamp() FROM ours
   WHERE ${isTheAccount} AND a.missing_since IS NULL RETURNING a.identity_id`,
);

const clear = statement<AccountValue>(
  'account-clear-missing',
  `WITH ${ours}
   UPDATE box_account a SET missing_since = NULL, applied_generation = 0, updated_at = clock_timestamp() FROM ours
   WHERE ${isTheAccount} AND a.missing_since IS NOT NULL RETURNING a.identity_id`,
);

const mapped = (where: string): string => `SELECT a.identity_id AS "identityId",
    coalesce(i.box_external_id, i.subject) AS "externalId", a.box_user_id AS "boxUserId"
  FROM box_account a JOIN identity i ON i.id = a.identity_id
  WHERE a.tenant_id = $tenant::uuid AND a.missing_since IS NULL ${where}`;

const firstPage = statement<'tenant' | 'limit'>(
  'accounts-first',
  mapped('ORDER BY a.identity_id LIMIT $limit'),
);
const nextPage = statement<'tenant' | 'limit' | 'after'>(
  'accounts-next',
  mapped('AND a.identity_id > $after::uuid ORDER BY a.identity_id LIMIT $limit'),
);
const atRandom = setStatement<'tenant' | 'limit'>(
  'accounts-sample',
  mapped('ORDER BY random() LIMIT $limit'),
);

/** Records what was seen of Box users outside an attempt: while listing files, or during `verify`. */
export class BoxAccounts {
  private readonly database: Database;
  private readonly tenantId: string;
  private readonly boxApp: BoxApp;

  /** `boxApp`: the app used to ask Box. Another app sees none of the users, which proves nothing. */
  constructor(database: Database, tenantId: string, boxApp: BoxApp) {
    this.database = database;
    this.tenantId = tenantId;
    this.boxApp = boxApp;
  }

  /**
   * Records that Box answered 404 to reading this user. Returns whether that is new. Does nothing when the mapping has
   * changed since, or while the tenant's accounts belong to another Box app.
   */
  async markMissing(identityId: string, boxUserId: string): Promise<boolean> {
    const marked = await run(this.database, mark, this.values(identityId, boxUserId));
    return marked.length > 0;
  }

  /**
   * Box shows the user again, as an operator has found: recorded as `change`. The next request applies what changed
   * since. Returns whether that is new.
   */
  async clearMissing(identityId: string, boxUserId: string, change: RecordedChange): Promise<boolean> {
    return changing(this.database, this.tenantId, change, async (tx, onRecord) => {
      const [cleared] = await run({ tx }, clear, this.values(identityId, boxUserId));
      if (cleared !== undefined) await onRecord(null, identityId);
      return cleared !== undefined;
    });
  }

  /** All accounts that are not known to be missing, read page by page. */
  async *all(): AsyncGenerator<MappedAccount> {
    for (let after: string | null = null; ;) {
      const page: MappedAccount[] = await this.mapped(after, PAGE);
      yield* page;
      if (page.length < PAGE) return;
      after = page.at(-1)!.identityId;
    }
  }

  /** Accounts that are not known to be missing, ordered by identity, after the one given. */
  async mapped(after: string | null, limit: number): Promise<MappedAccount[]> {
    return after === null
      ? run(this.database, firstPage, { tenant: this.tenantId, limit })
      : run(this.database, nextPage, { tenant: this.tenantId, limit, after });
  }

  /** As `mapped`, but `size` accounts at random. */
  async sample(size: number): Promise<MappedAccount[]> {
    return run(this.database, atRandom, { tenant: this.tenantId, limit: size });
  }

  private values(identityId: string, boxUserId: string): Record<AccountValue, SqlValue> {
    return { tenant: this.tenantId, id: identityId, box_user: boxUserId, ...boundValues(this.boxApp) };
  }
}
