import { randomUUID } from 'node:crypto';
import type { World } from './world.ts';

/** Browser sessions, stored as the gateway's session store does: one row each, with its person. */

export async function signIn({ house }: World, identityId: string): Promise<void> {
  await house.admin.query(
    `INSERT INTO session (sid, sess, expire) VALUES ($1, $2, chaos.clock_timestamp() + interval '1 day')`,
    [randomUUID(), { identityId }],
  );
}

export async function sessionsOf({ house }: World, identityId: string | null): Promise<string[]> {
  const rows = await house.admin.query<{ sid: string }>(
    `SELECT sid FROM session WHERE sess ->> 'identityId' = $1`,
    [identityId],
  );
  return rows.map(({ sid }) => sid);
}

/** Whether any of them still exists. */
export async function sessionsOutlive({ house }: World, sids: readonly string[]): Promise<boolean> {
  if (sids.length === 0) return false;
  return (await house.admin.query('SELECT FROM session WHERE sid = ANY($1)', [sids])).length > 0;
}
