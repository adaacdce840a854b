import { createHash } from 'node:crypto';
import type { Database } from '../database/database.ts';
import { run, statement } from '../database/statement.ts';

/** The states of completed sign-ins: each may be used once, at any gateway. */
export class UsedSignIns {
  private readonly database: Database;
  private readonly tenantId: string;

  constructor(database: Database, tenantId: string) {
    this.database = database;
    this.tenantId = tenantId;
  }

  /** True the first time; remembered for `seconds`. Expired states are deleted, some rows at a time. */
  async use(state: string, seconds: number): Promise<boolean> {
    const used = await run<{ isNew: boolean }>(this.database, useState, {
      tenant: this.tenantId,
      state: createHash('sha256').update(state).digest('hex'),
      seconds,
    });
    return used.length === 1;
  }
}

const useState = statement<'tenant' | 'state' | 'seconds'>(
  'use-state',
  `WITH old AS (
    DELETE FROM used_sign_in WHERE (tenant_id, state_hash) IN (
      SELECT tenant_id, state_hash FROM used_sign_in WHERE expires_at < clock_timestamp()
      ORDER BY expires_at LIMIT 20 FOR UPDATE SKIP LOCKED)
  ) INSERT INTO used_sign_in (tenant_id, state_hash, expires_at)
    VALUES ($tenant::uuid, decode($state::text, 'hex'), clock_timestamp() + $seconds::float8 * interval '1 second')
    ON CONFLICT DO NOTHING RETURNING true AS "isNew"`,
);
