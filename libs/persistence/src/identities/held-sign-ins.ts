import type { RecordedChange } from '@foyer/provisioning';
import type { Person } from '@foyer/shared';
import { changing } from '../call-log/change-record.ts';
import type { Database } from '../database/database.ts';
import { run, statement } from '../database/statement.ts';

/**
 * A sign-in that waits for an operator: a deactivated person with another id has the same user name, or the id leads to
 * a person whom SCIM has under another id and another user name.
 */
export interface HeldSignIn {
  readonly issuer: string;
  readonly subject: string;
  readonly username: string;
  readonly name: string;
  /** The person who has that user name, or to whom the id leads. */
  readonly identityId: string;
  readonly attempts: number;
  readonly firstAt: Date;
  readonly lastAt: Date;
  readonly releasedAt: Date | null;
  readonly releasedBy: string | null;
}

const hold = statement<'tenant' | 'issuer' | 'subject' | 'username' | 'name' | 'holder'>(
  'hold-sign-in',
  `INSERT INTO held_sign_in AS h (tenant_id, issuer, subject, username, name, identity_id)
   SELECT $tenant::uuid, $issuer, $subject, $username, $name, o.id FROM identity o
   WHERE o.tenant_id = $tenant::uuid AND o.id = $holder::uuid AND o.merged_into IS NULL
   ON CONFLICT (tenant_id, issuer, subject) DO UPDATE SET username = excluded.username, name = excluded.name,
     identity_id = excluded.identity_id, attempts = h.attempts + 1, last_at = clock_timestamp()
   WHERE h.released_at IS NULL RETURNING identity_id`,
);

const columns = `issuer, subject, username, name, identity_id AS "identityId", attempts, first_at AS "firstAt",
  last_at AS "lastAt", released_at AS "releasedAt", released_by AS "releasedBy"`;

const newest = statement<'tenant'>(
  'held-sign-ins',
  `SELECT ${columns} FROM held_sign_in WHERE tenant_id = $tenant::uuid ORDER BY last_at DESC, issuer, subject LIMIT 1000`,
);

const release = statement<'tenant' | 'subject' | 'by'>(
  'release-sign-in',
  `UPDATE held_sign_in
   SET released_at = coalesce(released_at, clock_timestamp()), released_by = coalesce(released_by, $by)
   WHERE tenant_id = $tenant::uuid AND subject = $subject RETURNING ${columns}`,
);

/**
 * Records that a sign-in waits for an operator; `holder` is the identity that it may be. False when that was decided
 * meanwhile: it was released, or the holder was merged.
 */
export async function holdSignIn(
  database: Pick<Database, 'pool'>,
  tenantId: string,
  { issuer, subject, username, name }: Person,
  holder: string,
): Promise<boolean> {
  const values = { tenant: tenantId, issuer, subject, username, name, holder };
  const rows = await run(database, hold, values);
  return rows.length > 0;
}

/** The operators' view of held sign-ins, and their decisions. */
export class HeldSignIns {
  private readonly database: Database;
  private readonly tenantId: string;

  constructor(database: Database, tenantId: string) {
    this.database = database;
    this.tenantId = tenantId;
  }

  /** The newest first, including those that were released. */
  async list(): Promise<HeldSignIn[]> {
    return run(this.database, newest, { tenant: this.tenantId });
  }

  /**
   * Decides that the subject is not the deactivated person: the next sign-in creates a separate identity. Recorded as
   * `change`. Null when no sign-in of that subject was held; an earlier release stays as it was.
   */
  async release(subject: string, by: string, change?: RecordedChange): Promise<HeldSignIn | null> {
    return changing(this.database, this.tenantId, change, async (tx, onRecord) => {
      const [row] = await run<HeldSignIn>({ tx }, release, { tenant: this.tenantId, subject, by });
      if (row !== undefined) await onRecord(null, row.identityId);
      return row ?? null;
    });
  }
}
