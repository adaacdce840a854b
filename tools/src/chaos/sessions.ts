import { randomUUID } from 'node:crypto';
import type { World } from './world.ts';

/** Browser sessions, stored as the gateway's session store does: one row each, with its person and their session epoch. */

export async function signIn({ house }: World, identityId: string, epoch: number): Promise<void> {
  await house.admin.query(
    `INSERT INTO session (sid, sess, expire) VALUES ($1, $2, chaos.clock_timestamp() + interval '1 day')`,
    [randomUUID(), { identityId, epoch }],
  );
}

/** The valid ones. A sign-in that was overtaken by a deactivation stores its session later, with an epoch that is over. */
export async function sessionsOf({ house }: World, identityId: string | null): Promise<string[]> {
  const rows = await house.admin.query<{ sid: string }>(
    `SELECT sid FROM session JOIN identity i ON i.id::text = sess ->> 'identityId'
      WHERE i.id = $1::uuid AND i.active AND i.session_epoch = (sess ->> 'epoch')::int`,
    [identityId],
  );
  return rows.map(({ sid }) => sid);
}

/** Whether any of them still exists. */
export async function sessionsOutlive({ house }: World, sids: readonly string[]): Promise<boolean> {
  if (sids.length === 0) return false;
  return (await house.admin.query('SELECT FROM session WHERE sid = ANY($1)', [sids])).length > 0;
}
