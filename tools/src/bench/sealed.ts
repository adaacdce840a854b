import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';

const LOOK_EVERY_MS = 200;
const SEALED_WITHIN_MS = 1_800_000;

/** Waits until every row that the call log has now is in a sealed block. */
export async function untilSealed(client: pg.Client): Promise<void> {
  const until = performance.now() + SEALED_WITHIN_MS;
  const { rows: log } = await client.query<{ rows: string }>(
    'SELECT (SELECT count(*) FROM api_call) + (SELECT count(*) FROM api_call_outcome) AS rows',
  );
  while (performance.now() < until) {
    const { rows } = await client.query<{ rows: string }>(
      'SELECT coalesce(sum(count), 0) AS rows FROM audit_block',
    );
    if (rows[0]!.rows === log[0]!.rows) return;
    await pause(LOOK_EVERY_MS);
  }
  throw new Error(`The call log was not sealed within ${SEALED_WITHIN_MS / 60_000} minutes.`);
}
