/** Releases the key of a batch without a heartbeat for $4 milliseconds. */
export const releaseKey = `UPDATE provisioning_batch SET idempotency_key = NULL
  WHERE tenant_id = $1 AND actor = $2 AND idempotency_key = $3::text AND received_at IS NULL
    AND heartbeat_at < clock_timestamp() - $4 * interval '1 millisecond'`;

export const begin = `INSERT INTO provisioning_batch (tenant_id, actor, format, idempotency_key) VALUES ($1, $2, $3, $4)
  ON CONFLICT (tenant_id, actor, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING RETURNING id`;

export const earlier = `SELECT id, body_hash AS "bodyHash" FROM provisioning_batch
  WHERE tenant_id = $1 AND actor = $2 AND idempotency_key = $3`;

export const end = `UPDATE provisioning_batch SET received_at = clock_timestamp(), body_hash = $3,
    stopped_line = $4::int, stopped_why = $5::text,
    idempotency_key = CASE WHEN $4::int IS NULL THEN idempotency_key END
  WHERE id = $1 AND tenant_id = $2`;
